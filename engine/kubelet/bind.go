package kubelet

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/resource"
)

// bindSubPath makes the part sub of a volume available at place and returns place. The path is opened with
// RESOLVE_BENEATH (openat2(2)) and the open file is what gets bound: a container that swaps a directory of the volume for a symbolic
// link at the right moment cannot make us mount something of the node (CVE-2017-1002101, CVE-2021-25741).
func bindSubPath(volume, sub, place string) (string, error) {
	if filepath.IsAbs(sub) || !filepath.IsLocal(sub) {
		return "", fmt.Errorf("subPath %q must stay inside the volume", sub)
	}
	root, err := unix.Open(volume, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("open volume %s: %w", volume, err)
	}
	defer func() { _ = unix.Close(root) }() // nothing was written
	how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(root, sub, how)
	if errors.Is(err, unix.ENOENT) {
		if err := makeBeneath(volume, sub); err != nil {
			return "", err
		}
		fd, err = unix.Openat2(root, sub, how)
	}
	if err != nil {
		return "", fmt.Errorf("open %s in volume %s: %w", sub, volume, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := mountPoint(fd, place); err != nil {
		return "", err
	}
	_ = unix.Unmount(place, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) // of an earlier container, if there was one
	if err := unix.Mount("/proc/self/fd/"+strconv.Itoa(fd), place, "", unix.MS_BIND, ""); err != nil {
		return "", fmt.Errorf("bind %s of volume %s: %w", sub, volume, err)
	}
	return place, nil
}

// makeBeneath creates a missing subPath directory with the volume's own permissions.
func makeBeneath(volume, sub string) error {
	info, err := os.Stat(volume)
	if err != nil {
		return fmt.Errorf("look at volume %s: %w", volume, err)
	}
	root, err := os.OpenRoot(volume)
	if err != nil {
		return fmt.Errorf("open volume %s: %w", volume, err)
	}
	defer func() { _ = root.Close() }() // nothing was written through it
	if err := root.MkdirAll(sub, info.Mode().Perm()); err != nil {
		return fmt.Errorf("make %s in volume %s: %w", sub, volume, err)
	}
	return root.Chmod(sub, info.Mode().Perm())
}

// mountPoint makes an empty file or directory at place, as fd is one or the other.
func mountPoint(fd int, place string) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("look at subPath: %w", err)
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		return os.MkdirAll(place, 0o750)
	}
	if err := os.MkdirAll(filepath.Dir(place), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(place, os.O_CREATE|os.O_RDONLY, 0o640)
	if err != nil {
		return err
	}
	return file.Close()
}

func mountMemory(path string, limit *resource.Quantity) error {
	options := "mode=0777"
	if limit != nil && limit.Sign() > 0 {
		options += ",size=" + strconv.FormatInt(limit.Value(), 10)
	}
	if err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount memory at %s: %w", path, err)
	}
	return nil
}

// unmountBelow detaches every mount under dir, the deepest first (proc_pid_mountinfo(5)).
func unmountBelow(dir string) error {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read mounts: %w", err)
	}
	defer file.Close()
	var points []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			points = append(points, fields[4])
		}
	}
	slices.SortFunc(points, func(a, b string) int { return len(b) - len(a) })
	var failures []error
	for _, point := range points {
		if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			failures = append(failures, fmt.Errorf("unmount %s: %w", point, err))
		}
	}
	return errors.Join(failures...)
}
