package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"drydock/sandbox/thread"
)

// The namespaces a pod's containers share, and the name of each one's file in NewNamespaces's directory, which is also
// its name in /proc/PID/ns.
var shared = []struct {
	file string
	flag int
}{
	{"net", unix.CLONE_NEWNET},
	{"ipc", unix.CLONE_NEWIPC},
	{"uts", unix.CLONE_NEWUTS},
}

// NewNamespaces makes the namespaces of a pod: dir/net, dir/ipc and dir/uts, the last with hostname set. Each is a file on
// which the namespace is mounted, and this mount keeps it alive: no process is needed to hold it. dir is made if missing.
// On an error nothing is left but dir.
func NewNamespaces(dir, hostname string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make namespaces in %s: %w", dir, err)
	}
	err := thread.Run(func() error {
		for _, ns := range shared {
			if err := newNamespace(filepath.Join(dir, ns.file), ns.file, ns.flag); err != nil {
				return err
			}
		}
		return setHostname(hostname)
	})
	if err != nil {
		return errors.Join(err, RemoveNamespaces(dir))
	}
	return nil
}

func setHostname(name string) error {
	if name == "" {
		return nil
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("set hostname %q: %w", name, err)
	}
	return nil
}

// RemoveNamespaces undoes NewNamespaces; dir itself stays. What is already gone is no error.
func RemoveNamespaces(dir string) error {
	var errs []error
	for _, ns := range shared {
		errs = append(errs, RemoveNetns(filepath.Join(dir, ns.file)))
	}
	return errors.Join(errs...)
}

// NewNetns makes a network namespace and mounts it at path, which must not exist.
func NewNetns(path string) error {
	err := thread.Run(func() error { return newNamespace(path, "net", unix.CLONE_NEWNET) })
	if err != nil {
		return errors.Join(err, RemoveNetns(path))
	}
	return nil
}

// newNamespace moves the calling thread into a new namespace and pins it at path.
func newNamespace(path, kind string, flag int) error {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the file for a %s namespace: %w", kind, err)
	}
	f.Close()
	if err := unix.Unshare(flag); err != nil {
		return fmt.Errorf("make %s namespace: unshare: %w", kind, err)
	}
	// /proc/thread-self, because /proc/self is the main thread, which has not moved.
	if err := unix.Mount("/proc/thread-self/ns/"+kind, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("pin %s namespace at %s: %w", kind, path, err)
	}
	return nil
}

// RemoveNetns unmounts and removes the file of a namespace made here. Processes inside keep it alive until they end; then
// the kernel destroys it with its links. What is already gone is no error.
func RemoveNetns(path string) error {
	// EINVAL: not a mount point. MNT_DETACH, because somebody may be looking at the file right now.
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount namespace %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove namespace %s: %w", path, err)
	}
	return nil
}

// Do runs fn on a thread of its own inside the network namespace at netnsPath (a file as NewNetns makes it, or
// /proc/PID/ns/net) and returns fn's error. Sockets opened by fn stay in that namespace after Do has returned;
// goroutines started by fn are not in it.
func Do(netnsPath string, fn func() error) error {
	f, err := os.Open(netnsPath)
	if err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	defer f.Close()
	return do(f, fn)
}

func do(netns *os.File, fn func() error) error {
	return thread.Run(func() error {
		if err := unix.Setns(int(netns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace %s: %w", netns.Name(), err)
		}
		return fn()
	})
}
