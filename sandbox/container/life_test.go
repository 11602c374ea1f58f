package container_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container"
	"drydock/sandbox/network"
)

func TestLife(t *testing.T) {
	in, out, err := os.Pipe()
	check(t, err)
	defer in.Close()
	c := create(t, newRunner(t), container.Config{ID: "c", Spec: newSpec(t, "wait", "7"), Stdio: container.Stdio{Out: out}})
	out.Close()
	if c.State() != container.Created {
		t.Errorf("after Create it is %s", c.State())
	}
	if comm, _ := os.ReadFile("/proc/" + strconv.Itoa(c.PID()) + "/comm"); string(comm) != "dockinit\n" {
		t.Errorf("before Start the process is %q, want dockinit", comm)
	}
	check(t, c.Start())
	if c.State() != container.Running {
		t.Errorf("after Start it is %s", c.State())
	}
	if err := c.Start(); err == nil {
		t.Error("starting twice is no error")
	}
	if err := c.Delete(); !errors.Is(err, container.ErrRunning) {
		t.Errorf("deleting a running container: %v, want ErrRunning", err)
	}
	expect(t, in, "ready\n") // before, process 1 of a pid namespace ignores the signal
	check(t, c.Signal(syscall.SIGTERM))
	if got := wait(t, c.Process); got.Code != 7 || got.Signal != 0 || got.ExitedAt.IsZero() {
		t.Errorf("exit status %+v, want code 7", got)
	}
	if c.State() != container.Stopped {
		t.Errorf("after its end it is %s", c.State())
	}
	if err := c.Signal(syscall.SIGTERM); !errors.Is(err, container.ErrNotRunning) {
		t.Errorf("signalling a stopped container: %v", err)
	}
	check(t, c.Delete())
	check(t, c.Delete())
}

func TestKillEndsEveryProcess(t *testing.T) {
	c := waiting(t, newRunner(t), newSpec(t, "wait"))
	p, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "wait"}})
	check(t, err)
	check(t, c.Kill())
	if got := wait(t, c.Process); got.Code != 137 || got.Signal != syscall.SIGKILL || got.OOMKilled {
		t.Errorf("exit status %+v, want 137 by SIGKILL", got)
	}
	if got := wait(t, p); got.Code != 137 {
		t.Errorf("the other process: %+v, want 137", got)
	}
	if _, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside"}}); !errors.Is(err, container.ErrNotRunning) {
		t.Errorf("exec in a stopped container: %v, want ErrNotRunning", err)
	}
}

func TestPauseStopsEveryProcess(t *testing.T) {
	c := waiting(t, newRunner(t), newSpec(t, "wait"))
	p, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "spin"}})
	check(t, err)
	check(t, c.Pause())
	for _, pid := range []int{c.PID(), p.PID()} {
		waitState(t, pid, "T")
	}
	if c.State() != container.Paused {
		t.Errorf("it is %s", c.State())
	}
	if _, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside"}}); err == nil {
		t.Error("exec in a paused container is no error")
	}
	check(t, c.Resume())
	if state := stateOf(t, p.PID()); state == "T" {
		t.Error("after Resume it is still stopped")
	}
	check(t, c.Pause())
	check(t, c.Kill())
	wait(t, c.Process)
}

// waitState waits until a process has got around to a signal.
func waitState(t *testing.T, pid int, want string) {
	t.Helper()
	for begin := time.Now(); stateOf(t, pid) != want; {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("process %d is in state %s, want %s", pid, stateOf(t, pid), want)
		}
		_, _ = unix.Poll(nil, 1)
	}
}

// stateOf is the letter after the name in /proc/PID/stat.
func stateOf(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	check(t, err)
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:1]
}

func TestDeleteBeforeStart(t *testing.T) {
	c, err := newRunner(t).Create(t.Context(), container.Config{ID: "c", Spec: newSpec(t, "true")})
	check(t, err)
	check(t, c.Delete())
	if exists("/proc/" + strconv.Itoa(c.PID())) {
		t.Error("its process is still there")
	}
	if err := c.Start(); err == nil {
		t.Error("starting a deleted container is no error")
	}
}

// Two containers of a pod: namespaces without a process of their own, joined by path.
func TestPod(t *testing.T) {
	dir := t.TempDir()
	check(t, network.NewNamespaces(dir, "web-0"))
	t.Cleanup(func() { check(t, network.RemoveNamespaces(dir)) })
	pod := []specs.LinuxNamespace{
		{Type: specs.NetworkNamespace, Path: filepath.Join(dir, "net")},
		{Type: specs.IPCNamespace, Path: filepath.Join(dir, "ipc")},
		{Type: specs.UTSNamespace, Path: filepath.Join(dir, "uts")},
		{Type: specs.MountNamespace},
	}
	r := newRunner(t)
	first := newSpec(t, "wait")
	first.Linux.Namespaces = append(pod, specs.LinuxNamespace{Type: specs.PIDNamespace})
	c := waiting(t, r, first)

	second := newSpec(t, "cat", "/proc/sys/kernel/hostname", "/proc/1/comm")
	second.Linux.Namespaces = append(pod, specs.LinuxNamespace{Type: specs.PIDNamespace, Path: "/proc/" + strconv.Itoa(c.PID()) + "/ns/pid"})
	if got, _ := run(t, second); got != "web-0\ninside" {
		t.Errorf("-want +got\n%s", cmp.Diff("web-0\ninside", got))
	}

	// In a shared pid namespace, Kill and Delete reach the container's own processes and no others.
	third := newSpec(t, "wait")
	third.Linux.Namespaces = second.Linux.Namespaces
	other := waiting(t, r, third)
	p, err := other.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "wait"}})
	check(t, err)
	check(t, other.Kill())
	wait(t, other.Process)
	wait(t, p)
	if c.State() != container.Running {
		t.Errorf("the first container is %s", c.State())
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRunner(t)
	s := newSpec(t, "exit", "3")
	results := make(chan error)
	const many = 24
	for range many {
		go func() {
			c, err := r.Create(t.Context(), container.Config{ID: "c", Spec: s})
			if err == nil {
				err = c.Start()
			}
			if err == nil {
				var status container.ExitStatus
				if status, err = c.Wait(t.Context()); err == nil && status.Code != 3 {
					err = errors.New(status.String())
				}
			}
			if err == nil {
				err = c.Delete()
			}
			results <- err
		}()
	}
	for range many {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
