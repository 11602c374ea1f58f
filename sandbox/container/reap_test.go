package container_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container"
	"drydock/sandbox/internal/kerneltest"
)

// The tests run as process 1 of a pid namespace, so orphans come to us.
func TestReap(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- container.Reap(ctx) }()
	defer func() { cancel(); check(t, <-stopped) }()

	in, out, err := os.Pipe()
	check(t, err)
	defer in.Close()
	parent := exec.Command(filepath.Join(kerneltest.Dir(), "inside"), "orphan")
	parent.Stdout = out
	// Our own child is left to us, however long we take.
	check(t, parent.Start())
	out.Close()
	expect(t, in, "child orphan\n")
	waitDead(t, parent.Process.Pid)
	orphan := onlyChildBut(t, parent.Process.Pid)
	check(t, unix.Kill(orphan, unix.SIGKILL))
	waitGone(t, orphan)
	if err := parent.Wait(); err != nil {
		t.Errorf("waiting for our own child: %v", err)
	}

	for range 20 {
		if err := exec.Command(filepath.Join(kerneltest.Dir(), "inside"), "exit", "0").Run(); err != nil {
			t.Fatalf("a child of our own was waited for by somebody else: %v", err)
		}
	}
}

// waitDead waits until every thread of a process has ended: before that its children may belong to the last ones.
func waitDead(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	check(t, err)
	defer func() { _ = unix.Close(fd) }()
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for n := 0; n == 0; {
		if n, err = unix.Poll(poll, 10_000); err != nil && err != unix.EINTR || err == nil && n == 0 {
			t.Fatalf("process %d does not end: %v", pid, err)
		}
	}
}

// onlyChildBut is the one living child of ours that is not the given one.
func onlyChildBut(t *testing.T, known int) int {
	t.Helper()
	children, err := container.ChildPIDs()
	check(t, err)
	for _, pid := range children {
		if pid != known && stateOf(t, pid) != "Z" {
			return pid
		}
	}
	t.Fatalf("no orphan among our children %v", children)
	return 0
}

// waitGone waits until a process is not even a zombie: a pidfd tells of the death, and asking again of the rest.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < 10*time.Second; {
		if err := unix.Kill(pid, 0); err == unix.ESRCH {
			return
		}
		if _, err := unix.Poll(nil, 5); err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
	}
	t.Errorf("process %d is still there", pid)
}
