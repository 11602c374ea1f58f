package cgroup

// Internal tests: they take a group of version 2 apart, also on machines that only have a hierarchy of that version
// without controllers, or none.

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A directory of plain files takes what is written and says what a kernel would.
func TestGroupV2Files(t *testing.T) {
	g := groupV2{t.TempDir()}
	for name, text := range map[string]string{
		"cpu.max": "", "cpu.weight": "", "memory.max": "", "pids.max": "",
		"cpu.stat":       "usage_usec 1500000\nuser_usec 1\nthrottled_usec 2000\n",
		"memory.current": "10000\n",
		"memory.stat":    "anon 1\ninactive_file 4000\nactive_file 3\n",
		"memory.events":  "low 0\noom 3\noom_kill 2\n",
		"pids.current":   "7\n",
	} {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Set(Limits{CPUMillis: 250, CPUShares: 1024, MemoryBytes: 64 << 20}); err != nil { // and there is no memory.swap.max
		t.Fatal(err)
	}
	for name, want := range map[string]string{"cpu.max": "25000 100000", "cpu.weight": "39", "memory.max": "67108864", "pids.max": "max"} {
		if got, err := read(g.dir, name); got != want || err != nil {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	got, err := g.Usage()
	if err != nil {
		t.Fatal(err)
	}
	want := Usage{At: got.At, CPU: 1500 * time.Millisecond, Throttled: 2 * time.Millisecond, MemoryBytes: 6000, Pids: 7, OOMKills: 2}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// Freezing and killing need no controller.
func TestGroupV2Processes(t *testing.T) {
	g := testGroupV2(t)
	holdAndEnd(t, g)
}

// A process can be cloned into the group; no controller is needed for that either.
func TestGroupV2Born(t *testing.T) {
	g := testGroupV2(t)
	born, doors, err := g.Entry()
	if err != nil || len(doors) > 0 {
		t.Fatal(born, doors, err)
	}
	defer born.Close()
	sleeper := exec.Command("sleep", "600")
	sleeper.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(born.Fd())}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	got, err := read(g.dir, "cgroup.procs")
	if want := strconv.Itoa(sleeper.Process.Pid); got != want || err != nil {
		t.Errorf("in the group are %q (%v), want %s", got, err, want)
	}
	if err := g.Kill(); err != nil {
		t.Error(err)
	}
	_ = sleeper.Wait() // it was killed
}

// testGroupV2 makes a group wherever this machine has a hierarchy of version 2, be it without controllers.
func testGroupV2(t *testing.T) groupV2 {
	t.Helper()
	root := ""
	for _, dir := range []string{mountpoint, filepath.Join(mountpoint, "unified")} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC && unix.Access(dir, unix.W_OK) == nil {
			root = dir
		}
	}
	if root == "" {
		t.Skip("there is no cgroup2 hierarchy that we may write")
	}
	g := groupV2{filepath.Join(root, "drydock-test")}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	})
	return g
}
