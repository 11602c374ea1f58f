package box

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cover is the second stage.
func (s Spec) cover() (int, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return 0, fmt.Errorf("keep our mounts to ourselves: %w", err)
	}
	for _, dir := range s.Hidden {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue // what is not there need not be hidden
		}
		if err := unix.Mount("hidden", dir, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "size=4k,mode=0555"); err != nil {
			return 0, fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	if s.ReadOnly {
		if err := readOnly(); err != nil {
			return 0, err
		}
	}
	s.Stage = "inner"
	flags := uintptr(syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC)
	if s.Offline {
		flags |= syscall.CLONE_NEWNET
	}
	return s.next(flags)
}

func readOnly() error {
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, attr); err != nil {
		return fmt.Errorf("make everything read-only: %w", err)
	}
	// But for /proc: the next stage's user ids are written there. Inside, it is covered by another.
	attr = &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/proc", 0, attr); err != nil {
		return fmt.Errorf("keep /proc usable: %w", err)
	}
	return nil
}

// inner is the third stage.
func (s Spec) inner() (int, error) {
	// Of other processes nothing can be seen then. Where the machine masks parts of /proc the kernel refuses a new one
	// (mount_too_revealing): an empty folder does as well.
	use := usage{spec: s, proc: "/proc"}
	if unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") != nil {
		use.proc = ""
		if err := unix.Mount("hidden", "/proc", "tmpfs", unix.MS_RDONLY, "size=4k"); err != nil {
			return 0, fmt.Errorf("hide other processes: %w", err)
		}
	}
	for resource, most := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: 1024, unix.RLIMIT_FSIZE: uint64(s.Disk), unix.RLIMIT_NPROC: uint64(s.Processes) + 64,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return 0, fmt.Errorf("set limit %d: %w", resource, err)
		}
	}
	cmd := exec.Command(s.Args[0], s.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return s.watched(cmd, &use)
}

// watched runs a program to its end, or until a limit has been passed.
func (s Spec) watched(cmd *exec.Cmd, use *usage) (int, error) {
	ended := make(chan error, 1)
	var code int
	go func() {
		var err error
		code, err = ToEnd(cmd)
		ended <- err
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if what := use.last(); what != "" {
				fmt.Fprintln(os.Stderr, Mark+what)
				return Stopped, nil
			}
			return code, err
		case <-tick.C:
			if what := use.exceeded(); what != "" {
				_ = syscall.Kill(-1, syscall.SIGKILL) // everything but us, in this namespace (kill(2))
				fmt.Fprintln(os.Stderr, "\n"+Mark+what)
				return Stopped, nil
			}
		}
	}
}
