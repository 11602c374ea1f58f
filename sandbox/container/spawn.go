package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
	"drydock/sandbox/thread"
)

// spawning is what it takes to start dockinit.
type spawning struct {
	plan   *plan   // namespaces to make and to join
	target int     // pidfd of a container to join instead, when plan is nil
	kinds  uintptr // its namespaces that are not the caller's
	stdio  Stdio
	group  Group
}

// child is dockinit until it has become the program.
type child struct {
	*Process
	talk  *conversation
	doors int // cgroups that it has to enter itself
}

// spawn starts dockinit in its namespaces and opens the way into its cgroup. It then waits to be told what to do. An error
// leaves nothing behind.
func (r *Runner) spawn(s spawning) (*child, error) {
	talk, theirs, err := newConversation()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, errors.Join(err, talk.close())
	}
	defer null.Close()
	way, err := openWay(s.group)
	if err != nil {
		return nil, errors.Join(err, talk.close())
	}
	defer way.close()
	pid, pidfd := 0, -1
	err = thread.Run(func() error {
		if err := s.enter(); err != nil {
			return err
		}
		pid, pidfd, err = s.fork(way, append(s.files(null, theirs, r.init), way.descriptors()...))
		return err
	})
	if err != nil {
		return nil, errors.Join(err, talk.close())
	}
	c := &child{Process: newProcess(pid, pidfd, s.group), talk: talk, doors: len(way.doors)}
	if s.group != nil && way.closed() {
		if err := s.group.Add(pid); err != nil {
			return nil, c.abandon(context.Background(), err)
		}
	}
	return c, nil
}

// fork starts dockinit with these descriptors, in its cgroup where that can be.
func (s spawning) fork(w *way, files []uintptr) (pid, pidfd int, err error) {
	attr := syscall.SysProcAttr{Cloneflags: s.cloneFlags(), PidFD: &pidfd}
	if w.born != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(w.born.Fd())
	}
	// dockinit does one thing after another: one processor saves it starting threads that find nothing to do.
	pid, err = syscall.ForkExec(initPath, []string{"dockinit"}, &syscall.ProcAttr{Env: []string{"GOMAXPROCS=1"}, Files: files, Sys: &attr})
	if err != nil && w.born != nil { // it takes clone3(2), which some sandboxes refuse
		w.close()
		return s.fork(w, files)
	}
	if err != nil {
		return 0, -1, fmt.Errorf("start dockinit: %w", err)
	}
	return pid, pidfd, nil
}

// enter moves the calling thread to where dockinit is to be born.
func (s spawning) enter() error {
	if s.plan != nil {
		return s.plan.join()
	}
	// All but the mount namespace, which dockinit joins itself: until then it is executed from the caller's files.
	var err error
	if kinds := s.kinds &^ unix.CLONE_NEWNS; kinds != 0 {
		err = unix.Setns(s.target, int(kinds))
	}
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("join the container: %w", ErrNotRunning)
	}
	if err != nil {
		return fmt.Errorf("join the container's namespaces: %w", err)
	}
	return shield()
}

func (s spawning) cloneFlags() uintptr {
	if s.plan == nil {
		return 0
	}
	return s.plan.cloneFlags
}

// initPath is dockinit as the child finds it among its own descriptors, where files puts it. A number of ours would not
// do: syscall.ForkExec moves descriptors about before it executes, and may put another one in that place.
const initPath = "/proc/self/fd/5"

// files are dockinit's descriptors, in the order that cmd/dockinit expects; it closes all but the first three in the end.
func (s spawning) files(null, socket, init *os.File) []uintptr {
	files := make([]uintptr, 0, 6)
	for _, f := range []*os.File{s.stdio.In, s.stdio.Out, s.stdio.Err} {
		if f == nil {
			f = null
		}
		files = append(files, f.Fd())
	}
	target := null.Fd()
	if s.plan == nil {
		target = uintptr(s.target)
	}
	return append(files, socket.Fd(), target, init.Fd())
}

// shield makes this process undumpable, for good. Between clone(2) and execve(2) the child shares our memory (CLONE_VM) and
// is already visible in the pid namespace it joins; whoever has the container's capabilities could otherwise read and
// write all of us through its /proc/PID/mem (ptrace(2), "Ptrace access mode checking"). Going back to dumpable would need
// to be sure that no other thread is in the same place.
var shield = sync.OnceValue(func() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make this process undumpable: %w", err)
	}
	return nil
})

// guard kills the child when ctx ends, until the function it returns is called.
func (c *child) guard(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { _ = c.Signal(syscall.SIGKILL) })
	return func() { stop() }
}

// abandon kills the child, waits until it is gone and returns cause, or how the child died when it gave no cause.
func (c *child) abandon(ctx context.Context, cause error) error {
	_ = c.Signal(syscall.SIGKILL) // it may have gone already, which is as good
	<-c.done
	switch {
	case ctx.Err() != nil:
		cause = ctx.Err()
	case errors.Is(cause, errSilence):
		cause = fmt.Errorf("dockinit ended with %s before the program could run", c.exit)
	}
	err := errors.Join(reasoned(cause), c.talk.close())
	if t := c.talk.takeTerminal(); t != nil {
		err = errors.Join(err, t.Close())
	}
	return err
}

// reasoned makes the sentinels of this package findable in an error of dockinit's without adding words to it.
func reasoned(err error) error {
	var f *handshake.Failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.Reason {
	case handshake.NotFound:
		return &reason{f, ErrNotFound}
	case handshake.NotExecutable:
		return &reason{f, ErrNotExecutable}
	}
	return err
}

type reason struct {
	error
	kind error
}

func (r *reason) Is(target error) bool { return target == r.kind }
func (r *reason) Unwrap() error        { return r.error }
