package main

import (
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

// A container's image decides what its paths are: /etc may be a symbolic link to ../../../etc. Every path below the new
// root is therefore resolved by openat2(2) with RESOLVE_IN_ROOT, where the root is the top also for links and "..", and
// afterwards used only through the descriptor, so that nobody can put something else in its place.

const insideRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS

// openWithin opens a path below root without following it out. The result is an O_PATH descriptor unless flags say more.
func openWithin(root int, name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: insideRoot}
	for {
		fd, err := unix.Openat2(root, name, &how)
		// EAGAIN: something was renamed while the kernel checked that a ".." stays inside (openat2(2)).
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// directoryWithin opens a directory below root and makes what is missing of it.
func directoryWithin(root int, name string) (int, error) {
	name = path.Clean("/" + name)
	fd, err := openWithin(root, name, unix.O_PATH|unix.O_DIRECTORY)
	if !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	parent, err := directoryWithin(root, path.Dir(name))
	if err != nil {
		return -1, err
	}
	defer shut(parent)
	if err := unix.Mkdirat(parent, path.Base(name), 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, err
	}
	return openWithin(root, name, unix.O_PATH|unix.O_DIRECTORY)
}

// fileWithin opens a file below root, an empty one if there is none.
func fileWithin(root int, name string) (int, error) {
	name = path.Clean("/" + name)
	fd, err := openWithin(root, name, unix.O_PATH)
	if !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	parent, err := directoryWithin(root, path.Dir(name))
	if err != nil {
		return -1, err
	}
	defer shut(parent)
	if fd, err = unix.Openat(parent, path.Base(name), unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644); err == nil {
		shut(fd)
	} else if !errors.Is(err, unix.EEXIST) {
		return -1, err
	}
	return openWithin(root, name, unix.O_PATH)
}

// placeFor opens the place below root on which something of from's kind, a directory or not, can be mounted.
func placeFor(root int, name string, from int) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(from, &st); err != nil {
		return -1, err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return directoryWithin(root, name)
	}
	return fileWithin(root, name)
}

// attach mounts the tree on name below root.
func attach(tree, root int, name string) error {
	place, err := placeFor(root, name, tree)
	if err != nil {
		return fmt.Errorf("open %s in the container: %w", name, err)
	}
	defer shut(place)
	if err := unix.MoveMount(tree, "", place, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach to %s: %w", name, err)
	}
	return nil
}

// shut closes a descriptor that was only looked through: nothing is lost when that goes wrong.
func shut(fd int) { _ = unix.Close(fd) }
