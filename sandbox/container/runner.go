package container

import (
	"context"
	"errors"
)

// Runner creates containers. Its methods may be called at the same time.
type Runner struct {
	options Options
}

// New prepares a Runner: it opens dockinit through a read-only mount of its own, so that no container can write to it.
// It needs CAP_SYS_ADMIN over the caller's mount namespace.
func New(o Options) (*Runner, error) {
	return &Runner{options: o}, nil
}

// Close releases what New opened. Containers keep running.
func (r *Runner) Close() error { return nil }

// Create builds the container and parks its process right before execve(2). An error that dockinit meets, also a program
// that does not exist, is returned here in its own words. When ctx ends before the container is built, it is killed.
func (r *Runner) Create(ctx context.Context, c Config) (*Container, error) {
	return nil, errors.New("create container " + c.ID + ": not yet")
}

// Reap waits for the orphans that the kernel gives to pid 1 (or to a subreaper) until ctx ends. Children of this process
// that somebody waits for by pidfd, as os/exec and this package do, are left to them. Run it once per process.
func Reap(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
