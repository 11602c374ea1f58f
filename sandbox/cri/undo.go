package cri

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// undo collects what has to be taken back, in reverse order, when a later step fails.
type undo []func() error

func (u *undo) add(f func() error) { *u = append(*u, f) }

// after runs the steps when err is an error, and returns it with theirs.
func (u undo) after(err error) error {
	if err == nil {
		return nil
	}
	errs := []error{err}
	for _, f := range slices.Backward(u) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// unmountBelow detaches every mount under dir, the latest first.
func unmountBelow(dir string) error {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}
	var below []string
	for line := range strings.Lines(string(data)) {
		// The fifth field is the mount point; a space in it is written as \040 (proc_pid_mountinfo(5)), which our paths lack.
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			below = append(below, f[4])
		}
	}
	for _, target := range slices.Backward(below) {
		if err := unix.Unmount(target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("unmount %q: %w", target, err)
		}
	}
	return nil
}
