package lab_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drydock/sandbox/lab"
)

// The test binary plays three parts: the tests, the keeper (with envKeeper) and the lab's pid 1 (with envInside).
const (
	envKeeper = "LAB_TEST_KEEPER"
	envInside = "LAB_TEST_INSIDE"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(envInside) != "":
		os.Exit(playInside(os.Getenv(envInside)))
	case os.Getenv(envKeeper) != "":
		os.Exit(playKeeper(os.Getenv(envKeeper)))
	}
	os.Exit(m.Run())
}

// playKeeper starts a lab on the directory and stays with it.
func playKeeper(dir string) int {
	runtime.LockOSThread()
	box, err := lab.Start(lab.Program{
		Path: "/proc/self/exe", Env: append(os.Environ(), envInside+"="+dir),
		Stdout: os.Stdout, Stderr: os.Stderr, IDMap: lab.ChooseIDMap(),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "pid %d\n", box.PID())
	if err := box.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// findings is what the lab's pid 1 reports about its surroundings.
type findings struct {
	PID, UID                 int
	HostName                 string
	WriteLab, WriteTmp       string
	Writable                 []string // mounts of the machine's that can be written
	Links                    []string
	Shell                    string
	ShellUncover, ShellState string
}

func playInside(dir string) int {
	inside, err := lab.Enter(lab.View{Writable: []string{dir}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv("LAB_TEST_STAY") != "" {
		fmt.Println(`{}`)
		inside.OnOrphaned()
		return 0
	}
	found := lookAround(dir)
	found.Shell = inShell(inside, dir, "id -u; cat "+dir+"/state")
	found.ShellUncover = inShell(inside, dir, "umount "+dir+" && echo lifted")
	found.ShellState = inShell(inside, dir, "ls "+dir+"; cat "+dir+"/work/mine; touch "+dir+"/work/new && echo writable")
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		return 1
	}
	return 0
}

func lookAround(dir string) findings {
	found := findings{PID: os.Getpid(), UID: os.Getuid()}
	found.HostName, _ = os.Hostname()
	found.WriteLab = result(os.WriteFile(filepath.Join(dir, "written"), nil, 0o600))
	found.Writable = writableMounts(dir)
	found.WriteTmp = result(os.WriteFile("/tmp/written", nil, 0o600))
	entries, _ := os.ReadDir("/sys/class/net")
	for _, e := range entries {
		found.Links = append(found.Links, e.Name())
	}
	return found
}

// writableMounts lists the mounts that are writable although they are neither the lab's own nor made by the kernel.
func writableMounts(dir string) []string {
	table, _ := os.ReadFile("/proc/self/mountinfo") // proc_pid_mountinfo(5): field 5 is the mount point, 6 its options
	var writable []string
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		point, options := fields[4], fields[5]
		switch {
		case !strings.HasPrefix(options, "rw"), point == dir, strings.HasPrefix(point, "/sys"), point == "/proc":
		case point == "/tmp", point == "/run", point == "/var/tmp", point == "/dev/shm":
		default:
			writable = append(writable, point)
		}
	}
	return writable
}

func inShell(inside *lab.Inside, dir, script string) string {
	read, write, err := os.Pipe()
	if err != nil {
		return err.Error()
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err.Error()
	}
	process, err := inside.Spawn(lab.Command{
		Args: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/",
		Files: [3]*os.File{null, write, write}, Hidden: dir, Shown: []string{dir + "/work"},
	})
	write.Close()
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	for lines := bufio.NewScanner(read); lines.Scan(); {
		out.WriteString(lines.Text() + "\n")
	}
	if _, err := process.Wait(); err != nil {
		return err.Error()
	}
	return out.String()
}

func result(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

// asUsers runs test as the present user and, when that is root, as nobody as well.
func asUsers(t *testing.T, test func(t *testing.T, keeper *exec.Cmd, dir string)) {
	for name, uid := range map[string]int{"as is": os.Getuid(), "unprivileged": 65534} {
		t.Run(name, func(t *testing.T) {
			if os.Getuid() != 0 && uid == 65534 {
				t.Skip("only root can become another user")
			}
			base := t.TempDir()
			dir := filepath.Join(base, "lab")
			for _, d := range []string{dir, dir + "/work"} {
				must(t, os.MkdirAll(d, 0o755))
				must(t, os.Chown(d, uid, -1))
			}
			must(t, os.WriteFile(dir+"/state", []byte("secret\n"), 0o644))
			must(t, os.WriteFile(dir+"/work/mine", []byte("mine\n"), 0o644))
			for d := base; d != filepath.Clean(os.TempDir()); d = filepath.Dir(d) {
				must(t, os.Chmod(d, 0o755)) // made 0700 by the testing package; others must pass
			}
			keeper := exec.Command(copyOfSelf(t, base))
			keeper.Dir, keeper.Env = "/", append(os.Environ(), envKeeper+"="+dir)
			if os.Getuid() == 0 {
				keeper.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid), NoSetGroups: true}}
			}
			test(t, keeper, dir)
		})
	}
}

// copyOfSelf puts the test binary where every user may run it.
func copyOfSelf(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	path := filepath.Join(dir, "lab.test")
	must(t, os.WriteFile(path, self, 0o755))
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheMachineIsReadOnlyAndTheLabIsNot(t *testing.T) {
	asUsers(t, func(t *testing.T, keeper *exec.Cmd, dir string) {
		var report, complaints strings.Builder
		keeper.Stdout, keeper.Stderr = &report, &complaints
		if err := keeper.Run(); err != nil {
			t.Fatalf("%v: %s", err, complaints.String())
		}
		var found findings
		must(t, json.Unmarshal([]byte(report.String()), &found))
		if found.PID != 1 || found.UID != 0 || found.HostName != "drydock" {
			t.Errorf("inside: pid %d uid %d host %q, want 1, 0, drydock", found.PID, found.UID, found.HostName)
		}
		if found.WriteLab != "ok" || found.WriteTmp != "ok" {
			t.Errorf("writing the lab's directory: %s; /tmp: %s", found.WriteLab, found.WriteTmp)
		}
		if len(found.Writable) > 0 {
			t.Errorf("writable inside the lab: %v", found.Writable)
		}
		if len(found.Links) != 1 || found.Links[0] != "lo" {
			t.Errorf("links %v, want lo alone", found.Links)
		}
		if _, err := os.Stat("/tmp/written"); err == nil {
			t.Error("the lab's /tmp is the machine's")
		}
		checkShell(t, found)
	})
}

func checkShell(t *testing.T, found findings) {
	t.Helper()
	if strings.Contains(found.Shell, "secret") {
		t.Errorf("the shell reads the lab's state: %q", found.Shell)
	}
	if strings.Contains(found.ShellUncover, "lifted") {
		t.Error("the shell lifted the cover of the lab's state")
	}
	if !strings.Contains(found.ShellState, "mine\nwritable") || strings.Contains(found.ShellState, "state") {
		t.Errorf("the shell's view: %q, want its workspace alone, writable", found.ShellState)
	}
}

func TestKillingTheKeeperEndsTheLab(t *testing.T) {
	asUsers(t, func(t *testing.T, keeper *exec.Cmd, _ string) {
		keeper.Env = append(keeper.Env, "LAB_TEST_STAY=1")
		out, err := keeper.StdoutPipe()
		must(t, err)
		complaints, err := keeper.StderrPipe()
		must(t, err)
		must(t, keeper.Start())
		var pid int
		if _, err := fmt.Fscanf(complaints, "pid %d\n", &pid); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatal("the lab did not come up: ", err)
		}
		pidfd, err := unix.PidfdOpen(pid, 0)
		must(t, err)
		defer unix.Close(pidfd)
		must(t, keeper.Process.Kill())
		if n, err := pollOnce(pidfd); err != nil || n != 1 {
			t.Errorf("the lab outlived its keeper: %d, %v", n, err)
		}
		_ = keeper.Wait() // killed, as wanted
	})
}

// pollOnce waits until the process behind pidfd has ended, or for ten seconds.
func pollOnce(pidfd int) (int, error) {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(10*time.Second/time.Millisecond))
		if err != unix.EINTR {
			return n, err
		}
	}
}
