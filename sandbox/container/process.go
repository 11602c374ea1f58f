package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a process in a container. Its methods may be called at the same time.
type Process struct {
	// set once in newProcess
	pid   int
	pidfd *os.File
	group Group
	done  chan struct{}

	// set once before Create or Exec returns
	terminal *os.File

	// set before done is closed
	exit ExitStatus
}

// newProcess begins to wait for a child. The pidfd is ours from now on.
func newProcess(pid, pidfd int, group Group) *Process {
	_ = unix.SetNonblock(pidfd, true) // fcntl(2) on a descriptor of ours does not fail
	p := &Process{pid: pid, pidfd: os.NewFile(uintptr(pidfd), "pidfd"), group: group, done: make(chan struct{})}
	go p.reap()
	return p
}

// reap waits for the end of the process in Go's poller: a waiting process costs no thread.
func (p *Process) reap() {
	defer close(p.done)
	var status unix.WaitStatus
	raw, err := p.pidfd.SyscallConn()
	if err == nil {
		err = raw.Read(func(uintptr) bool {
			var got int
			var waitErr error
			// By number, which is safe: the number stays taken until we have waited.
			for got, waitErr = unix.Wait4(p.pid, &status, unix.WNOHANG, nil); errors.Is(waitErr, unix.EINTR); {
				got, waitErr = unix.Wait4(p.pid, &status, unix.WNOHANG, nil)
			}
			return got == p.pid || waitErr != nil
		})
	}
	if err != nil { // no poller for this descriptor, or it was closed early: wait the plain way
		_, _ = unix.Wait4(p.pid, &status, 0, nil)
	}
	p.exit = p.exitStatus(syscall.WaitStatus(status))
	p.pidfd.Close() // from now on Signal says ErrNotRunning
}

func (p *Process) exitStatus(w syscall.WaitStatus) ExitStatus {
	e := ExitStatus{Code: w.ExitStatus(), ExitedAt: time.Now()}
	if w.Signaled() {
		e.Signal = w.Signal()
		e.Code = 128 + int(e.Signal)
	}
	if p.group != nil && e.Code == 128+int(syscall.SIGKILL) {
		// Unknown is no: the exit code is the truth, this is its explanation.
		e.OOMKilled, _ = p.group.OOMKilled()
	}
	return e
}

// String is for errors: "exit code 1", "signal killed".
func (e ExitStatus) String() string {
	if e.Signal != 0 {
		return "signal " + e.Signal.String()
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// PID is the process id as the caller's pid namespace counts.
func (p *Process) PID() int { return p.pid }

// Terminal is the master of the process's pty, nil without one. The caller owns it and closes it. When the last process
// on the terminal has ended, reading gives EIO.
func (p *Process) Terminal() *os.File { return p.terminal }

// Resize tells the terminal its new size; the process gets SIGWINCH.
func (p *Process) Resize(s Size) error {
	if p.terminal == nil {
		return fmt.Errorf("resize the terminal of process %d: it has none", p.pid)
	}
	raw, err := p.terminal.SyscallConn()
	if err != nil {
		return fmt.Errorf("resize the terminal of process %d: %w", p.pid, err)
	}
	var setErr error
	err = raw.Control(func(fd uintptr) {
		setErr = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: s.Rows, Col: s.Cols})
	})
	if err := errors.Join(err, setErr); err != nil {
		return fmt.Errorf("resize the terminal of process %d: %w", p.pid, err)
	}
	return nil
}

// Done is closed when the process has ended and was waited for.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait blocks until the process has ended, or ctx has. Any number of callers may wait.
func (p *Process) Wait(ctx context.Context) (ExitStatus, error) {
	select {
	case <-p.done:
		return p.exit, nil
	case <-ctx.Done():
		return ExitStatus{}, ctx.Err()
	}
}

// Signal sends sig to the process itself; ErrNotRunning when it has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return fmt.Errorf("send %s to process %d: %w", sig, p.pid, ErrNotRunning)
	}
	var sendErr error
	err = raw.Control(func(fd uintptr) { sendErr = unix.PidfdSendSignal(int(fd), sig, nil, 0) })
	if err != nil || errors.Is(sendErr, unix.ESRCH) {
		return fmt.Errorf("send %s to process %d: %w", sig, p.pid, ErrNotRunning)
	}
	if sendErr != nil {
		return fmt.Errorf("send %s to process %d: %w", sig, p.pid, sendErr)
	}
	return nil
}

// dup returns a pidfd of the process for the caller to close; ErrNotRunning when it has ended.
func (p *Process) dup() (int, error) {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return -1, ErrNotRunning
	}
	fd := -1
	var dupErr error
	// Not p.pidfd.Fd(), which would take the descriptor out of the poller.
	err = raw.Control(func(pidfd uintptr) { fd, dupErr = unix.FcntlInt(pidfd, unix.F_DUPFD_CLOEXEC, 3) })
	if err != nil {
		return -1, ErrNotRunning
	}
	return fd, dupErr
}
