package machine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// programs are the directories of the real machine that a node shares, read-only. Where one is a symbolic link (/bin ->
// usr/bin), the node gets the same link.
var programs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives", "/etc/ssl", "/etc/ld.so.cache", "/nix"}

// Boot turns the calling process, cloned by Start, into pid 1 of its machine: it waits for PowerOn, mounts the root and
// execs Spec.Init. It returns only with an error.
func Boot() error {
	spec, err := waitForPower()
	if err != nil {
		return err
	}
	if err := buildRoot(spec); err != nil {
		return fmt.Errorf("build the root of %s: %w", spec.Name, err)
	}
	if err := enterRoot(spec.Root); err != nil {
		return fmt.Errorf("enter the root of %s: %w", spec.Name, err)
	}
	if err := unix.Sethostname([]byte(spec.Name)); err != nil {
		return fmt.Errorf("set host name %s: %w", spec.Name, err)
	}
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "HOSTNAME=" + spec.Name}
	if err := unix.Exec(spec.Init[0], spec.Init, env); err != nil {
		return fmt.Errorf("exec %s: %w", spec.Init[0], err)
	}
	return nil
}

func waitForPower() (Spec, error) {
	var spec Spec
	fd, err := strconv.Atoi(os.Getenv(envGate))
	if err != nil {
		return spec, errors.New("boot: not started as a machine")
	}
	gate := os.NewFile(uintptr(fd), "gate")
	defer gate.Close()
	in := bufio.NewReader(gate)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return spec, fmt.Errorf("read what this machine is: %w", err)
	}
	if err := json.Unmarshal(line, &spec); err != nil {
		return spec, fmt.Errorf("read what this machine is: %w", err)
	}
	if _, err := in.ReadBytes('\n'); err != nil {
		return spec, fmt.Errorf("wait for power: %w", err)
	}
	return spec, nil
}

// buildRoot mounts the machine's file system at spec.Root.
func buildRoot(spec Spec) error {
	// Private: what this machine mounts must not appear in the lab, nor the other way round.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", spec.Root, "tmpfs", unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mount the root: %w", err)
	}
	for _, dir := range []string{"/proc", "/sys", "/dev", "/etc", "/root", "/tmp", "/run", "/var/log", "/var/lib", "/var/tmp", "/mnt", "/opt"} {
		if err := os.MkdirAll(spec.Root+dir, 0o755); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
	}
	for _, dir := range programs {
		if err := share(spec.Root, dir); err != nil {
			return err
		}
	}
	for _, b := range spec.Binds {
		if err := bind(spec.Root, b); err != nil {
			return err
		}
	}
	if err := writeFiles(spec.Root, spec.Files); err != nil {
		return err
	}
	return mountKernel(spec.Root)
}

// share repeats one entry of the real machine: a link as a link, anything else bound read-only.
func share(root, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return os.Symlink(target, root+path)
	}
	return bind(root, Bind{Source: path, Target: path, ReadOnly: true})
}

func bind(root string, b Bind) error {
	target := root + b.Target
	info, err := os.Stat(b.Source)
	if err != nil {
		return fmt.Errorf("bind %s: %w", b.Source, err)
	}
	if err := mountPoint(target, info.IsDir()); err != nil {
		return fmt.Errorf("make room for %s: %w", b.Target, err)
	}
	if err := unix.Mount(b.Source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s on %s: %w", b.Source, b.Target, err)
	}
	if !b.ReadOnly {
		return nil
	}
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &readOnly); err != nil {
		return fmt.Errorf("make %s read-only: %w", b.Target, err)
	}
	return nil
}

func mountPoint(path string, dir bool) error {
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

func writeFiles(root string, files map[string]string) error {
	for path, text := range files {
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(path, "/etc/kubernetes/") {
			mode = 0o600
		}
		if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
			return fmt.Errorf("make room for %s: %w", path, err)
		}
		if err := os.WriteFile(root+path, []byte(text), mode); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return nil
}

// mountKernel adds the file systems through which the kernel speaks. /proc must be mounted by a process of the new pid
// namespace: that is the namespace it shows (pid_namespaces(7)).
func mountKernel(root string) error {
	const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", root+"/proc", "proc", safe, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Mount("sysfs", root+"/sys", "sysfs", safe, ""); err != nil {
		// Refused where the lab could not mount its own either; the lab's view serves.
		if err := unix.Mount("/sys", root+"/sys", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("bind /sys: %w", err)
		}
	} else if err := bind(root, Bind{Source: "/sys/fs/cgroup", Target: "/sys/fs/cgroup"}); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := unix.Mount("/dev", root+"/dev", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind /dev: %w", err)
	}
	// sticky and world-writable: users inside pods with hostPath mounts expect it
	return errors.Join(os.Chmod(root+"/tmp", 0o1777), os.Chmod(root+"/var/tmp", 0o1777))
}

// enterRoot makes root the root. The old root is stacked below and then detached (pivot_root(2): "pivot_root . .").
func enterRoot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the old root: %w", err)
	}
	return os.Chdir("/")
}
