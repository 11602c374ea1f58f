package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// Every container has these (OCI runtime specification, config-linux.md, "Default Devices"). They are bound from the
// caller's /dev: mknod(2) of a device is refused in a user namespace.
var defaultDevices = []string{"null", "zero", "full", "random", "urandom", "tty"}

var deviceLinks = []struct{ name, target string }{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
}

// fillDevices puts device nodes and links into /dev, when the container has a /dev of its own. A bound /dev is the
// business of whoever bound it.
func fillDevices(root int, r handshake.Root) error {
	if !ownsDev(r.Mounts) {
		return nil
	}
	dev, err := directoryWithin(root, "/dev")
	if err != nil {
		return fmt.Errorf("open /dev: %w", err)
	}
	defer shut(dev)
	for _, name := range defaultDevices {
		if err := bindNewDevice(root, dev, name); err != nil {
			return err
		}
	}
	for _, path := range r.Devices {
		if err := bindDevice(root, path); err != nil {
			return err
		}
	}
	for _, l := range deviceLinks {
		if err := unix.Symlinkat(l.target, dev, l.name); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("make /dev/%s: %w", l.name, err)
		}
	}
	return nil
}

func ownsDev(mounts []handshake.Mount) bool {
	for _, m := range mounts {
		if m.Destination == "/dev" {
			return m.Type == "tmpfs"
		}
	}
	return false
}

// bindNewDevice is bindDevice for the usual case, a /dev in which nothing is yet: fewer calls, and every container makes them.
func bindNewDevice(root, dev int, name string) error {
	place, err := unix.Openat(dev, name, unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return bindDevice(root, "/dev/"+name)
	}
	defer shut(place)
	tree, err := bindTree(handshake.Mount{Source: "/dev/" + name})
	if err != nil {
		return fmt.Errorf("device %s: %w", name, err)
	}
	defer shut(tree)
	if err := unix.MoveMount(tree, "", place, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("device %s: %w", name, err)
	}
	return nil
}

func bindDevice(root int, path string) error {
	tree, err := bindTree(handshake.Mount{Source: path})
	if err != nil {
		return fmt.Errorf("device %s: %w", path, err)
	}
	defer shut(tree)
	if err := attach(tree, root, path); err != nil {
		return fmt.Errorf("device %s: %w", path, err)
	}
	return nil
}
