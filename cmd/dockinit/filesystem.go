package main

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// Mounts are made with the calls of Linux 5.2, where a mount is first a descriptor (a tree) and is attached last: there is
// no moment at which a half-configured mount can be seen, and no path that could change between check and use.

// mountOne makes one mount of the spec below root.
func mountOne(root int, m handshake.Mount) error {
	tree, err := treeOf(m)
	if err != nil {
		return fmt.Errorf("mount %s (%s) on %q: %w", m.Source, m.Type, m.Destination, err)
	}
	defer shut(tree)
	if err := attach(tree, root, m.Destination); err != nil {
		return fmt.Errorf("mount %s (%s) on %q: %w", m.Source, m.Type, m.Destination, err)
	}
	return nil
}

func treeOf(m handshake.Mount) (int, error) {
	switch m.Type {
	case "bind":
		return bindTree(m)
	case "sysfs":
		tree, err := newTree(m)
		if errors.Is(err, unix.EPERM) {
			// The kernel gives a new sysfs only to the owner of the network namespace, and only where nothing is
			// mounted over the old one (mount_too_revealing). Looking at the caller's is as good.
			return readOnlyCopy("/sys", m.Set)
		}
		return tree, err
	case "cgroup", "cgroup2":
		tree, err := readOnlyCopy("/sys/fs/cgroup", m.Set)
		if err != nil {
			m.Type = "tmpfs" // a machine without cgroups: an empty directory
			return newTree(m)
		}
		return tree, nil
	}
	return newTree(m)
}

func readOnlyCopy(path string, set uint64) (int, error) {
	return bindTree(handshake.Mount{Source: path, Recursive: true, Set: set, SetAll: unix.MOUNT_ATTR_RDONLY})
}

// bindTree copies the mount at a path of the caller's.
func bindTree(m handshake.Mount) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if m.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	tree, err := unix.OpenTree(unix.AT_FDCWD, m.Source, flags)
	if err != nil {
		return -1, fmt.Errorf("copy the mount: %w", err)
	}
	if err := setAttributes(tree, m); err != nil {
		shut(tree)
		return -1, err
	}
	return tree, nil
}

func setAttributes(tree int, m handshake.Mount) error {
	all := unix.MountAttr{Attr_set: m.SetAll, Propagation: m.Propagation}
	if all != (unix.MountAttr{}) {
		if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &all); err != nil {
			return fmt.Errorf("set the flags of the whole tree: %w", err)
		}
	}
	one := unix.MountAttr{Attr_set: m.Set, Attr_clr: m.Clear}
	if one == (unix.MountAttr{}) {
		return nil
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &one); err != nil {
		return fmt.Errorf("set the flags: %w", err)
	}
	return nil
}

// newTree makes a new file system.
func newTree(m handshake.Mount) (int, error) {
	fs, err := unix.Fsopen(m.Type, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("open file system: %w", err)
	}
	defer shut(fs)
	if err := unix.FsconfigSetString(fs, "source", m.Source); err != nil {
		return -1, explain(fs, "source", err)
	}
	for _, option := range m.Data {
		key, value, pair := strings.Cut(option, "=")
		if pair {
			err = unix.FsconfigSetString(fs, key, value)
		} else {
			err = unix.FsconfigSetFlag(fs, key)
		}
		if err != nil {
			return -1, explain(fs, option, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, explain(fs, "create", err)
	}
	tree, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, int(m.Set|m.SetAll))
	if err != nil {
		return -1, fmt.Errorf("make the mount: %w", err)
	}
	return tree, nil
}

// explain adds what the kernel wrote about a failed option: reading the descriptor gives its messages (fsopen(2)).
func explain(fs int, option string, err error) error {
	message := make([]byte, 256)
	if n, readErr := unix.Read(fs, message); readErr == nil && n > 2 {
		return fmt.Errorf("option %q: %w (%s)", option, err, strings.TrimSpace(string(message[2:n])))
	}
	return fmt.Errorf("option %q: %w", option, err)
}
