package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// build makes the container's file system and moves into it. Afterwards nothing of the caller's is reachable.
func build(r handshake.Root, cwd string) error {
	// What we mount must not appear at the caller's, and unmounting the old root must not unmount the caller's.
	private := unix.MountAttr{Propagation: unix.MS_SLAVE}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &private); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	root, err := openRoot(r.Path)
	if err != nil {
		return err
	}
	for _, m := range r.Mounts {
		if err := mountOne(root, m); err != nil {
			return err
		}
	}
	if err := fillDevices(root, r); err != nil {
		return err
	}
	if err := configure(r); err != nil {
		return err
	}
	if err := makeWorkingDirectory(root, cwd); err != nil {
		return err
	}
	if err := guard(root, r); err != nil {
		return err
	}
	return pivot(root, r)
}

// openRoot makes the root file system a mount of its own, as pivot_root(2) demands, and opens it.
func openRoot(path string) (int, error) {
	tree, err := bindTree(handshake.Mount{Source: path, Recursive: true, Propagation: unix.MS_PRIVATE})
	if err != nil {
		return -1, fmt.Errorf("root file system %q: %w", path, err)
	}
	// The tree's descriptor is the mount itself and stays good once attached.
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return -1, fmt.Errorf("root file system %q: attach: %w", path, err)
	}
	return tree, nil
}

// configure sets what belongs to the namespaces and not to the files. It runs while the caller's /proc is in sight; the
// kernel applies each setting to the namespaces of the process that writes.
func configure(r handshake.Root) error {
	if r.Hostname != "" {
		if err := unix.Sethostname([]byte(r.Hostname)); err != nil {
			return fmt.Errorf("set hostname %q: %w", r.Hostname, err)
		}
	}
	if r.Domainname != "" {
		if err := unix.Setdomainname([]byte(r.Domainname)); err != nil {
			return fmt.Errorf("set domain name %q: %w", r.Domainname, err)
		}
	}
	for _, s := range r.Sysctl {
		if err := os.WriteFile("/proc/sys/"+strings.ReplaceAll(s.Name, ".", "/"), []byte(s.Value), 0o644); err != nil {
			return fmt.Errorf("set sysctl %s to %q: %w", s.Name, s.Value, errors.Unwrap(err))
		}
	}
	if r.Loopback {
		return raiseLoopback()
	}
	return nil
}

// raiseLoopback brings lo up with the oldest interface there is (netdevice(7)): it needs no netlink library.
func raiseLoopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	defer shut(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}

// makeWorkingDirectory makes the working directory if the image lacks it, as runc does.
func makeWorkingDirectory(root int, cwd string) error {
	fd, err := directoryWithin(root, cwd)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ELOOP) {
		return nil // changeDirectory has the better words
	}
	if err != nil {
		return fmt.Errorf("make working directory %q: %w", cwd, err)
	}
	return unix.Close(fd)
}

// pivot makes root the root, and lets go of the old one.
func pivot(root int, r handshake.Root) error {
	if err := unix.Fchdir(root); err != nil {
		return fmt.Errorf("enter the root file system: %w", err)
	}
	shut(root)
	// With both arguments "." the old root ends up mounted on top of the new one, without a directory for it, and "." is
	// then the old root, ready to be unmounted (pivot_root(2), "pivot_root(".", ".")").
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the old root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("change to the new root: %w", err)
	}
	if !r.Readonly {
		return nil
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &attr); err != nil {
		return fmt.Errorf("make the root file system read-only: %w", err)
	}
	return nil
}

// joinRoot enters the mount namespace of a running container.
func joinRoot() error {
	// setns(2) refuses a thread that shares its root and working directory with others.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("join the container's mounts: unshare: %w", err)
	}
	if err := unix.Setns(targetFD, unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("join the container's mounts: %w", err)
	}
	return nil
}

// changeDirectory moves to the working directory and makes sure that it lies in the container. A path such as
// /proc/self/fd/7 leads wherever a forgotten descriptor points, and getcwd(2) then begins with "(unreachable)"
// (CVE-2024-21626).
func changeDirectory(cwd string) error {
	if err := unix.Chdir(cwd); err != nil {
		return fmt.Errorf("chdir to cwd (%q): %w", cwd, err)
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Getcwd(buf)
	if err != nil {
		return fmt.Errorf("chdir to cwd (%q): it lies outside the container: %w", cwd, err)
	}
	if n == 0 || buf[0] != '/' {
		return fmt.Errorf("chdir to cwd (%q): it lies outside the container", cwd)
	}
	return nil
}
