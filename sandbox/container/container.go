package container

import (
	"context"
	"errors"
	"os"
	"syscall"
)

var errNotYet = errors.New("not yet")

// Process is a process in a container. Its methods may be called at the same time.
type Process struct {
	pid      int
	done     chan struct{}
	exit     ExitStatus
	terminal *os.File
}

// PID is the process id as the caller's pid namespace counts.
func (p *Process) PID() int { return p.pid }

// Terminal is the master of the process's pty, nil without one. The caller owns it and closes it.
func (p *Process) Terminal() *os.File { return p.terminal }

// Resize tells the terminal its new size; the process gets SIGWINCH.
func (p *Process) Resize(s Size) error { return errNotYet }

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
func (p *Process) Signal(sig syscall.Signal) error { return errNotYet }

// Container is a container: the process that Create started, and those that Exec added.
type Container struct {
	*Process
	id string
}

// ID is the name that Create was given.
func (c *Container) ID() string { return c.id }

// State is the container's state right now.
func (c *Container) State() State { return Created }

// Start lets the parked process execute its program. It returns once execve(2) has succeeded, or with its error.
func (c *Container) Start() error { return errNotYet }

// Exec starts another process in the container and returns once its program runs.
func (c *Container) Exec(ctx context.Context, e ExecConfig) (*Process, error) {
	return nil, errNotYet
}

// Kill sends SIGKILL to every process of the container. It does not wait for them: see Done.
func (c *Container) Kill() error { return errNotYet }

// Pause stops every process of the container: by its cgroup's freezer, otherwise by SIGSTOP.
func (c *Container) Pause() error { return errNotYet }

// Resume undoes Pause.
func (c *Container) Resume() error { return errNotYet }

// Delete releases what the container still holds; ErrRunning while its process runs. A container that was created and
// never started is killed and deleted.
func (c *Container) Delete() error { return errNotYet }
