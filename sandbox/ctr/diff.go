package ctr

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Change is one path that a container has changed, in docker's letters: A added, C changed, D deleted.
type Change struct {
	Kind string `json:"kind"`
	Path string `json:"path"`
}

// ErrNoDiff is the error where containers are whole copies and nobody knows what was there before.
var ErrNoDiff = errors.New("on this machine containers are whole copies of their images, so that there is no diff")

// look reads the container's overlay: how many layers are below, and what is in the upper folder.
func (one *Container) look() error {
	if one.rootfs == "" {
		return nil
	}
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read the node's mounts: %w", err)
	}
	defer mounts.Close()
	upper, lower, err := overlayAt(mounts, one.rootfs)
	if err != nil {
		return nil //nolint:nilerr // whole copies: the other facts stand
	}
	one.Layers = len(lower)
	one.Diff, err = compare(upper, lower)
	return err
}

// Diff is what a container has changed.
func (c *Client) Diff(one Container) ([]Change, error) {
	if err := one.look(); err != nil {
		return nil, err
	}
	if one.Layers == 0 {
		return nil, ErrNoDiff
	}
	return one.Diff, nil
}

// overlayAt finds the folders of the overlay that is mounted at a path (proc_pid_mountinfo(5): the options are the last field).
func overlayAt(mounts io.Reader, path string) (upper string, lower []string, err error) {
	lines := bufio.NewScanner(mounts)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		f, rest := strings.Fields(before), strings.Fields(after)
		if len(f) < 5 || f[4] != path || len(rest) < 3 || rest[0] != "overlay" {
			continue
		}
		for option := range strings.SplitSeq(rest[2], ",") {
			if v, ok := strings.CutPrefix(option, "upperdir="); ok {
				upper = v
			} else if v, ok := strings.CutPrefix(option, "lowerdir="); ok {
				lower = strings.Split(v, ":")
			}
		}
	}
	if err := lines.Err(); err != nil {
		return "", nil, err
	}
	if upper == "" {
		return "", nil, ErrNoDiff
	}
	return upper, lower, nil
}

// compare lists an upper folder against the layers below. A folder that replaced one of the same name as a whole is listed as
// changed, without the files that went with the old one.
func compare(upper string, lower []string) ([]Change, error) {
	changes := []Change{}
	err := filepath.WalkDir(upper, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == upper {
			return err
		}
		name := strings.TrimPrefix(path, upper)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case whiteout(info):
			changes = append(changes, Change{"D", name})
		case below(lower, name):
			changes = append(changes, Change{"C", name})
		default:
			changes = append(changes, Change{"A", name})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what the container wrote: %w", err)
	}
	return ours(upper, changes), nil
}

// mountPoints are files that the runtime makes in every container to mount the sandbox's own over them.
var mountPoints = []string{"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}

// ours leaves out what the runtime made and nobody has touched since.
func ours(upper string, changes []Change) []Change {
	changes = slices.DeleteFunc(changes, func(c Change) bool {
		info, err := os.Lstat(filepath.Join(upper, c.Path))
		return slices.Contains(mountPoints, c.Path) && err == nil && info.Mode().IsRegular() && info.Size() == 0
	})
	if !slices.ContainsFunc(changes, func(c Change) bool { return strings.HasPrefix(c.Path, "/etc/") }) {
		changes = slices.DeleteFunc(changes, func(c Change) bool { return c.Path == "/etc" })
	}
	return changes
}

// below reports whether a name is there without the upper folder: the topmost layer that speaks of it decides.
func below(lower []string, name string) bool {
	for _, dir := range lower {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return !whiteout(info)
		}
	}
	return false
}

// whiteout is how overlayfs notes a deletion: a character device 0/0 (the kernel's Documentation/filesystems/overlayfs).
func whiteout(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode()&fs.ModeCharDevice != 0 && stat.Rdev == 0
}
