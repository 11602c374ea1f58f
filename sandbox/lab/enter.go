package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Inside is what a program learns when it has entered its lab.
type Inside struct {
	IDMap IDMap
	// UID and GID are the caller's ids outside.
	UID, GID int
	life     *os.File
}

// ErrNotInLab is returned by Enter when the program was not started by Start.
var ErrNotInLab = errors.New("not started as a lab")

// View is what a lab sees of the machine, besides all its files read-only: directories that keep their paths, also below
// /tmp and /run, which are otherwise the lab's own.
type View struct {
	Writable, ReadOnly []string
}

// Enter makes the calling process the lab's pid 1 in more than name: it waits for its uid map, makes the machine's files
// read-only except for the view's writable directories, and brings up the loopback.
// It must be the first thing main does, before any other goroutine opens files.
func Enter(v View) (*Inside, error) {
	in, gate, err := fromEnvironment()
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(gate, make([]byte, 1)); err != nil {
		return nil, fmt.Errorf("wait for the lab's uid map: %w", err)
	}
	gate.Close()
	if err := in.IDMap.become(); err != nil {
		return nil, err
	}
	if err := arrangeMounts(v); err != nil {
		return nil, err
	}
	if err := unix.Sethostname([]byte("drydock")); err != nil {
		return nil, fmt.Errorf("set the lab's host name: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("find the lab's loopback: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return nil, fmt.Errorf("bring up the lab's loopback: %w", err)
	}
	return in, nil
}

func fromEnvironment() (*Inside, *os.File, error) {
	gate, err1 := strconv.Atoi(os.Getenv(envGate))
	life, err2 := strconv.Atoi(os.Getenv(envLife))
	uid, gid, ok := strings.Cut(os.Getenv(envUser), ":")
	if err1 != nil || err2 != nil || !ok {
		return nil, nil, ErrNotInLab
	}
	in := &Inside{IDMap: IDMap(os.Getenv(envMap)), life: os.NewFile(uintptr(life), "life line")}
	var err error
	if in.UID, err = strconv.Atoi(uid); err != nil {
		return nil, nil, ErrNotInLab
	}
	if in.GID, err = strconv.Atoi(gid); err != nil {
		return nil, nil, ErrNotInLab
	}
	// Children of the lab are not labs themselves, and must not keep the life line open.
	for _, name := range []string{envMap, envGate, envLife, envUser} {
		os.Unsetenv(name)
	}
	unix.CloseOnExec(life)
	unix.CloseOnExec(gate)
	return in, os.NewFile(uintptr(gate), "gate"), nil
}

// OnOrphaned blocks until the keeper is gone and then returns. It is the belt to the parent-death signal's braces.
func (in *Inside) OnOrphaned() {
	_, _ = in.life.Read(make([]byte, 1)) // nothing is ever written: any return means the other end is closed
}

// arrangeMounts turns the copied mount table into the lab's.
//
// Order matters. The view's directories are picked up first as detached trees (open_tree(2)), because the next step
// makes everything attached read-only, and because /tmp and /run, where they may live, are about to be covered.
func arrangeMounts(v View) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the lab's mounts private: %w", err)
	}
	dirs := slices.Concat(v.Writable, v.ReadOnly)
	trees := make([]int, len(dirs))
	for i, dir := range dirs {
		fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return fmt.Errorf("pick up %s: %w", dir, err)
		}
		defer unix.Close(fd)
		trees[i] = fd
	}
	if err := mountOwn(); err != nil {
		return err
	}
	if err := coverTemporary(); err != nil {
		return err
	}
	for i, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make room for %s: %w", dir, err)
		}
		if err := unix.MoveMount(trees[i], "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("put back %s: %w", dir, err)
		}
	}
	return protect(v.ReadOnly)
}

// Protect makes dir, one file system whole, read-only for the lab and for everything that starts in it from now on.
func (in *Inside) Protect(dir string) error {
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("make %s a mount of its own: %w", dir, err)
	}
	return protect([]string{dir})
}

func protect(dirs []string) error {
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	for _, dir := range dirs {
		if err := unix.MountSetattr(unix.AT_FDCWD, dir, 0, &readOnly); err != nil {
			return fmt.Errorf("make %s read-only: %w", dir, err)
		}
	}
	return nil
}

// mountOwn gives the lab its own /proc and /sys, and makes all that came from the machine read-only.
func mountOwn() error {
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &readOnly); err != nil {
		return fmt.Errorf("make the machine's files read-only: %w", err)
	}
	// A new procfs is refused when parts of the old one are covered (mount_too_revealing in fs/namespace.c): as in many containers.
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount the lab's own /proc: %w", err)
	}
	return mountSys()
}

// mountSys mounts a sysfs of the lab's network namespace and puts the machine's cgroup trees back into it.
func mountSys() error {
	groups, err := unix.OpenTree(unix.AT_FDCWD, "/sys/fs/cgroup", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err == nil {
		defer unix.Close(groups)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		// Kept as the machine shows it: less true (it lists the machine's links) but every tool still works.
		return nil //nolint:nilerr // a view of /sys is no reason to refuse a lab
	}
	if groups <= 0 {
		return nil
	}
	writable := unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	// Fails where the machine itself mounts them read-only; the cgroup tier then says so.
	_ = unix.MountSetattr(groups, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &writable)
	if err := unix.MoveMount(groups, "", unix.AT_FDCWD, "/sys/fs/cgroup", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("put back /sys/fs/cgroup: %w", err)
	}
	return nil
}

// coverTemporary hides the machine's scratch directories behind the lab's own.
func coverTemporary() error {
	for _, dir := range []string{"/tmp", "/run", "/var/tmp", "/dev/shm"} {
		target, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue // this machine has no such directory
		}
		flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV)
		if err := unix.Mount("tmpfs", target, "tmpfs", flags, "mode=1777"); err != nil {
			return fmt.Errorf("mount the lab's own %s: %w", dir, err)
		}
	}
	return nil
}
