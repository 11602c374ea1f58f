package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// guard hides and protects the kernel's files that the spec names. A path that does not exist needs no guard.
func guard(root int, r handshake.Root) error {
	for _, p := range r.ReadOnly {
		if err := protect(root, p); err != nil {
			return fmt.Errorf("make %s read-only: %w", p, err)
		}
	}
	// The caller's null device: the container's /dev/null is whatever its image and mounts make of it.
	file := cover{make: func() (int, error) { return bindTree(handshake.Mount{Source: "/dev/null"}) }}
	directory := cover{make: func() (int, error) {
		return newTree(handshake.Mount{Type: "tmpfs", Source: "tmpfs", Set: unix.MOUNT_ATTR_RDONLY, Data: []string{"size=0k"}})
	}}
	defer file.close()
	defer directory.close()
	for _, p := range r.Masked {
		if err := mask(root, p, &file, &directory); err != nil {
			return fmt.Errorf("mask %s: %w", p, err)
		}
	}
	return nil
}

func protect(root int, path string) error {
	fd, err := openWithin(root, path, unix.O_PATH)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer shut(fd)
	tree, err := unix.OpenTree(fd, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return err
	}
	defer shut(tree)
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return err
	}
	return unix.MoveMount(tree, "", fd, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

// cover is one mount that hides many paths.
type cover struct {
	make  func() (int, error)
	tree  int // the first mount, once attached
	ready bool
}

// attachTo covers a path. The first one gets the mount itself and the others copies of it: a mount that is never attached
// has to be destroyed when its descriptor closes, for which the kernel waits for all processors (RCU).
func (c *cover) attachTo(place int) error {
	const flags = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	if !c.ready {
		tree, err := c.make()
		if err != nil {
			return err
		}
		c.tree, c.ready = tree, true
		return unix.MoveMount(tree, "", place, "", flags)
	}
	tree, err := unix.OpenTree(c.tree, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return err
	}
	defer shut(tree)
	return unix.MoveMount(tree, "", place, "", flags)
}

func (c *cover) close() {
	if c.ready {
		shut(c.tree)
	}
}

func mask(root int, path string, file, directory *cover) error {
	place, err := openWithin(root, path, unix.O_PATH)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer shut(place)
	var st unix.Stat_t
	if err := unix.Fstat(place, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return directory.attachTo(place)
	}
	return file.attachTo(place)
}

func absent(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) }
