//go:build unix

package term

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/creack/pty"
)

// Local is a pseudo-terminal on this machine.
type Local struct {
	master *os.File
	cmd    *exec.Cmd
	done   chan struct{}
	once   sync.Once
}

// StartLocal starts cmd in a session of its own on a new pseudo-terminal. TERM and its friends are set for this package's
// emulator, after what cmd.Env says.
func StartLocal(cmd *exec.Cmd, cols, rows int) (*Local, error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, Environ()...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		return nil, fmt.Errorf("start %s on a pseudo-terminal: %w", cmd.Path, err)
	}
	master, err := Pollable(f)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	l := &Local{master: master, cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the shell's exit status is its own affair
		close(l.done)
	}()
	return l, nil
}

// Environ is what a program inside this package's emulator must find in its environment.
func Environ() []string {
	return []string{"TERM=xterm-256color", "COLORTERM=truecolor", "TERM_PROGRAM=drydock"}
}

// Pollable turns the master of a pseudo-terminal into a file whose Close ends a blocked Read: Go only polls descriptors
// that are non-blocking when os.NewFile sees them. It takes f over.
func Pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("duplicate %s: %w", f.Name(), err)
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, fmt.Errorf("make %s non-blocking: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Read reads what the program printed.
func (l *Local) Read(p []byte) (int, error) { return l.master.Read(p) }

// Write writes to the program's input.
func (l *Local) Write(p []byte) (int, error) { return l.master.Write(p) }

// Done is closed when the program has ended.
func (l *Local) Done() <-chan struct{} { return l.done }

// Resize tells the program its new size.
func (l *Local) Resize(cols, rows int) error {
	conn, err := l.master.SyscallConn()
	if err != nil {
		return fmt.Errorf("resize %s: %w", l.master.Name(), err)
	}
	var inner error
	err = conn.Control(func(fd uintptr) {
		inner = setWinsize(fd, cols, rows)
	})
	if err == nil {
		err = inner
	}
	if err != nil {
		return fmt.Errorf("resize %s: %w", l.master.Name(), err)
	}
	return nil
}

// Close ends the program and everything in its process group, and waits for it.
func (l *Local) Close() error {
	l.once.Do(func() {
		_ = syscall.Kill(-l.cmd.Process.Pid, syscall.SIGHUP) // pty.Start made it a session leader
		_ = syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL)
		_ = l.master.Close()
		<-l.done
	})
	return nil
}
