package probe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"drydock/sandbox/thread"
)

// seccomp sets a filter that allows everything, in the way of dockinit: after no_new_privs, on this thread alone.
func seccomp() (string, error) {
	err := thread.Run(func() error {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("set no_new_privs: %w", err)
		}
		allow := [...]unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}}
		program := unix.SockFprog{Len: uint16(len(allow)), Filter: &allow[0]}
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
		if errno != 0 {
			return fmt.Errorf("set a seccomp filter: %w", errno)
		}
		return nil
	})
	return "filters work", err
}

func pidfd() (string, error) {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return "", fmt.Errorf("pidfd_open: %w", err)
	}
	defer func() { _ = unix.Close(fd) }() // it has been tried
	// Not readable: we have not ended.
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	if err == nil && n != 0 {
		err = errors.New("a running process looks as if it had ended")
	}
	return "works", err
}

// terminals mounts a devpts as containers have one, and opens both ends of a terminal in it.
func terminals(dir string) (string, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	if err := unix.Mount("devpts", dir, "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"); err != nil {
		return "", fmt.Errorf("mount devpts: %w", err)
	}
	master, err := os.OpenFile(filepath.Join(dir, "ptmx"), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return "", err
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return "", fmt.Errorf("unlock a terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return "", fmt.Errorf("number a terminal: %w", err)
	}
	slave, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return "", err
	}
	slave.Close()
	return "own terminals for containers", nil
}

// inotify opens as many instances as a few watching programs would.
func inotify() (string, error) {
	for range 4 {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			return "", fmt.Errorf("inotify_init: %w", err)
		}
		defer func() { _ = unix.Close(fd) }() // it has been tried
	}
	return "works", nil
}
