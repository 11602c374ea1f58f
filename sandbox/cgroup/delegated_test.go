package cgroup

// Internal tests: on a machine whose hierarchy of version 2 has no controllers, its groups are all that can be tried.

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	delegatedEnv = "DRYDOCK_TEST_DELEGATED" // the subtree, for the ordinary user
	ordinary     = 65534
)

// TestDelegated: root hands a part of the hierarchy to an ordinary user, as systemd does with Delegate=yes, and that user limits
// processes in it.
func TestDelegated(t *testing.T) {
	if os.Getuid() != 0 || inUserNamespace() {
		t.Skip("only root can hand out a part of the hierarchy")
	}
	root := ""
	for _, dir := range []string{mountpoint, filepath.Join(mountpoint, "unified")} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			root = dir
		}
	}
	if root == "" {
		t.Skip("no cgroup2 hierarchy is mounted")
	}
	_ = delegate(root) // where there are controllers, as openV2 does for root; the user finds out
	dir := filepath.Join(root, "drydock-test-delegated")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip(err) // read-only in a container
	}
	t.Cleanup(func() {
		if err := removeTree(dir); err != nil {
			t.Error(err)
		}
	})
	for _, file := range []string{"", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"} { // cgroups(7), delegation
		if err := os.Chown(filepath.Join(dir, file), ordinary, ordinary); err != nil {
			t.Fatal(err)
		}
	}
	into, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer into.Close()
	user := exec.Command("/proc/self/exe", "-test.run=^TestAsOrdinaryUserInADelegatedSubtree$", "-test.v")
	user.Env = append(os.Environ(), delegatedEnv+"="+dir, "DRYDOCK_KERNELTEST_STAGE=user-outside")
	user.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: ordinary, Gid: ordinary, NoSetGroups: true}, UseCgroupFD: true, CgroupFD: int(into.Fd()),
	}
	out, err := user.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestAsOrdinaryUser") {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// TestAsOrdinaryUserInADelegatedSubtree is what TestDelegated has the user do.
func TestAsOrdinaryUserInADelegatedSubtree(t *testing.T) {
	dir := os.Getenv(delegatedEnv)
	if dir == "" {
		t.Skip("TestDelegated runs it")
	}
	if !inUserNamespace() {
		t.Fatal("this user is root")
	}
	have, err := read(dir, "cgroup.controllers")
	if err != nil {
		t.Fatal(err)
	}
	for _, controller := range []string{"cpu", "memory", "pids"} {
		if !strings.Contains(" "+have+" ", " "+controller+" ") {
			t.Logf("this machine's cgroup2 has no %s controller (it has %q): groups are tried, limits are not", controller, have)
			leafOf(t, dir)
			return
		}
	}
	m, err := Open(Options{Tier: DelegatedV2, Parent: dir})
	if err != nil {
		t.Fatal(err)
	}
	limits(t, m)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// leafOf moves ourselves out of dir, as the tier does before it makes groups, and holds and ends a process in a group of ours.
func leafOf(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"init", "web"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(filepath.Join(dir, "init"), "cgroup.procs", "0"); err != nil {
		t.Fatal(err)
	}
	g := groupV2{filepath.Join(dir, "web")}
	holdAndEnd(t, g)
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	if err := write(filepath.Dir(dir), "cgroup.procs", "0"); !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
		t.Errorf("leaving the subtree: %v, want no permission", err)
	}
}

func limits(t *testing.T, m Manager) {
	t.Helper()
	if _, err := m.New("outer", Limits{MemoryBytes: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	made, err := m.New("outer/web", Limits{CPUMillis: 250, CPUShares: 512, MemoryBytes: 32 << 20, Pids: 10})
	if err != nil {
		t.Fatal(err)
	}
	g := made.(*tracked).Group.(groupV2)
	for file, want := range map[string]string{"cpu.max": "25000 100000", "memory.max": "33554432", "pids.max": "10", "cpu.weight": "20"} {
		if got, err := read(g.dir, file); got != want || err != nil {
			t.Errorf("%s is %q (%v), want %q", file, got, err, want)
		}
	}
	// One shell that takes more memory than it may, which only the kernel can know.
	eater := exec.Command("/bin/sh", "-c", "read go; x=x; while :; do x=$x$x; done")
	in, err := eater.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := eater.Start(); err != nil {
		t.Fatal(err)
	}
	if err := made.Add(eater.Process.Pid); err != nil {
		t.Error(err)
	}
	if err := in.Close(); err != nil { // an end is as good as a line
		t.Error(err)
	}
	_ = eater.Wait()
	if killed, err := made.OOMKilled(); !killed || err != nil {
		t.Errorf("the shell ended with %s; out of memory %t, %v", eater.ProcessState, killed, err)
	}
	holdAndEnd(t, g)
}

// holdAndEnd freezes, thaws and kills a process of the group.
func holdAndEnd(t *testing.T, g groupV2) {
	t.Helper()
	sleeper := exec.Command("sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"add", func() error { return g.Add(sleeper.Process.Pid) }},
		{"freeze", g.Freeze},
		{"thaw", g.Thaw},
		{"freeze again", g.Freeze},
		{"kill", g.Kill},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
	_ = sleeper.Wait()
	if got := sleeper.ProcessState.String(); got != "signal: killed" {
		t.Errorf("the process ended with %s", got)
	}
}
