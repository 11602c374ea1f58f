package container

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"drydock/sandbox/container/handshake"
)

// Container is a container: the process that Create started, and those that Exec added.
type Container struct {
	*Process

	// set once in Create
	id       string
	runner   *Runner
	template handshake.Process // what Exec begins with
	kinds    uintptr           // its namespaces that are not the caller's, as clone(2) flags
	ownPIDs  bool              // process 1 of a pid namespace: when it goes, all go
	mounts   uint64            // inode of the mount namespace: who is in it belongs to the container

	mu sync.Mutex
	// guarded by mu
	state State         // never Stopped: see State
	talk  *conversation // until started
}

// ID is the name that Create was given.
func (c *Container) ID() string { return c.id }

// State is the container's state right now.
func (c *Container) State() State {
	select {
	case <-c.done:
		return Stopped
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Start lets the parked process execute its program. It returns once execve(2) has succeeded, or with its error; then the
// container is Stopped.
func (c *Container) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Created || c.talk == nil {
		return fmt.Errorf("start container %s: it is %s", c.id, c.state)
	}
	child := &child{Process: c.Process, talk: c.talk}
	c.talk = nil
	if err := child.launch(); err != nil {
		return fmt.Errorf("start container %s: %w", c.id, child.abandon(context.Background(), err))
	}
	c.state = Running
	return child.talk.close()
}

// launch is the second half of the handshake.
func (c *child) launch() error {
	if err := c.talk.send(handshake.Go, nil); err != nil {
		return err
	}
	if err := c.talk.receive(handshake.Leaving); err != nil {
		return err
	}
	return c.talk.receiveEnd()
}

// Exec starts another process in the container and returns once its program runs. When ctx ends before that, it is killed.
func (c *Container) Exec(ctx context.Context, e ExecConfig) (*Process, error) {
	p, err := c.exec(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("exec in container %s: %w", c.id, err)
	}
	return p, nil
}

func (c *Container) exec(ctx context.Context, e ExecConfig) (*Process, error) {
	if state := c.State(); state != Running {
		return nil, fmt.Errorf("it is %s: %w", state, ErrNotRunning)
	}
	setup := &handshake.Setup{}
	var err error
	if setup.Process, err = c.runner.additional(c.template, e); err != nil {
		return nil, err
	}
	target, err := c.dup()
	if err != nil {
		return nil, err
	}
	defer shut(target)
	child, err := c.spawn(spawning{target: target, kinds: c.kinds, stdio: e.Stdio, group: c.group})
	if err != nil {
		return nil, err
	}
	defer child.guard(ctx)()
	setup.Doors = child.doors
	err = child.talk.send(handshake.SetUp, setup)
	if err == nil {
		err = child.talk.receive(handshake.Ready)
	}
	if err == nil {
		err = child.launch()
	}
	if err != nil {
		return nil, child.abandon(ctx, err)
	}
	child.terminal = child.talk.takeTerminal()
	return child.Process, child.talk.close()
}

// spawn keeps a pause away until the process is there: one that is born into a frozen cgroup would never execute, and all of
// our own forks would wait for it.
func (c *Container) spawn(s spawning) (*child, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Running {
		return nil, fmt.Errorf("it is %s: %w", c.state, ErrNotRunning)
	}
	return c.runner.spawn(s)
}

// Kill sends SIGKILL to every process of the container, also a paused one. It does not wait for them: see Done.
func (c *Container) Kill() error {
	err := c.kill()
	if err == nil || errors.Is(err, ErrNotRunning) {
		return c.thaw() // a frozen process dies when it thaws (cgroup v1's freezer)
	}
	return fmt.Errorf("kill container %s: %w", c.id, err)
}

func (c *Container) kill() error {
	switch {
	case c.ownPIDs:
		// The end of process 1 is the end of its pid namespace (pid_namespaces(7)).
		return c.Signal(syscall.SIGKILL)
	case c.group != nil:
		return c.group.Kill()
	}
	return signalMembers(c.mounts, syscall.SIGKILL)
}

// Pause stops every process of the container: by its cgroup's freezer, otherwise by SIGSTOP, which each process gets around
// to when it next runs.
func (c *Container) Pause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Running {
		return fmt.Errorf("pause container %s: it is %s", c.id, c.state)
	}
	freeze := func() error { return signalMembers(c.mounts, syscall.SIGSTOP) }
	if c.group != nil {
		freeze = c.group.Freeze
	}
	if err := freeze(); err != nil {
		return fmt.Errorf("pause container %s: %w", c.id, err)
	}
	c.state = Paused
	return nil
}

// Resume undoes Pause.
func (c *Container) Resume() error {
	if c.State() != Paused {
		return fmt.Errorf("resume container %s: it is %s", c.id, c.State())
	}
	return c.thaw()
}

func (c *Container) thaw() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != Paused {
		return nil
	}
	thaw := func() error { return signalMembers(c.mounts, syscall.SIGCONT) }
	if c.group != nil {
		thaw = c.group.Thaw
	}
	if err := thaw(); err != nil {
		return fmt.Errorf("resume container %s: %w", c.id, err)
	}
	c.state = Running
	return nil
}

// Delete releases what the container still holds; ErrRunning while its process runs. A container that was created and
// never started is killed and deleted. Processes that Exec added are killed. Deleting twice is fine.
func (c *Container) Delete() error {
	switch c.State() {
	case Running, Paused:
		return fmt.Errorf("delete container %s: %w", c.id, ErrRunning)
	case Created:
		if err := c.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, ErrNotRunning) {
			return fmt.Errorf("delete container %s: %w", c.id, err)
		}
		<-c.done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	if c.talk != nil {
		errs = append(errs, c.talk.close())
		c.talk = nil
	}
	if !c.ownPIDs {
		errs = append(errs, signalMembers(c.mounts, syscall.SIGKILL))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete container %s: %w", c.id, err)
	}
	return nil
}
