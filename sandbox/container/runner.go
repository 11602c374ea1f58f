package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// Runner creates containers. Its methods may be called at the same time.
type Runner struct {
	// set once in New
	init     *os.File // dockinit, seen through a read-only mount that exists nowhere else
	identity identity

	mu sync.Mutex
	// guarded by mu
	lastProfile *specs.LinuxSeccomp
	lastFilter  []byte
}

// New prepares a Runner: it opens dockinit through a read-only mount of its own, so that no container can write to it.
// It needs CAP_SYS_ADMIN over the caller's mount namespace.
func New(o Options) (*Runner, error) {
	init, err := openInit(o.InitPath)
	if err != nil {
		return nil, fmt.Errorf("open dockinit %s: %w", o.InitPath, err)
	}
	who, err := readIdentity()
	if err != nil {
		return nil, errors.Join(err, init.Close())
	}
	return &Runner{init: init, identity: who}, nil
}

// openInit makes a detached copy of the mount on which dockinit lies, and makes it read-only. /proc/PID/exe of a process
// that runs it leads through this mount, so opening it for writing is refused whoever owns the file (CVE-2019-5736). The
// pages stay shared with every other process that runs the file, which a copy in memory (memfd) would not give.
func openInit(path string) (*os.File, error) {
	tree, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("copy its mount: %w", err)
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		shut(tree)
		return nil, fmt.Errorf("make its mount read-only: %w", err)
	}
	return os.NewFile(uintptr(tree), path), nil
}

// Close releases what New opened. Containers keep running.
func (r *Runner) Close() error { return r.init.Close() }

// Create builds the container and parks its process right before execve(2). An error that dockinit meets, also a program
// that does not exist, is returned here in its own words. When ctx ends before the container is built, it is killed.
func (r *Runner) Create(ctx context.Context, c Config) (*Container, error) {
	made, err := r.create(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("create container %s: %w", c.ID, err)
	}
	return made, nil
}

func (r *Runner) create(ctx context.Context, c Config) (*Container, error) {
	plan, err := r.translate(c.Spec)
	if err != nil {
		return nil, err
	}
	defer plan.close()
	child, err := r.spawn(spawning{plan: plan, stdio: c.Stdio, group: c.Group})
	if err != nil {
		return nil, err
	}
	defer child.guard(ctx)()
	plan.setup.Doors = child.doors
	if err := child.talk.send(handshake.SetUp, &plan.setup); err != nil {
		return nil, child.abandon(ctx, err)
	}
	if err := child.talk.receive(handshake.Ready); err != nil {
		return nil, child.abandon(ctx, err)
	}
	mounts, err := mountsOf(child.pid)
	if err != nil {
		return nil, child.abandon(ctx, fmt.Errorf("find its mount namespace: %w", err))
	}
	child.terminal = child.talk.takeTerminal()
	return &Container{
		Process: child.Process, id: c.ID, runner: r, template: plan.setup.Process, kinds: plan.kinds, ownPIDs: plan.ownPIDs, mounts: mounts,
		state: Created, talk: child.talk,
	}, nil
}
