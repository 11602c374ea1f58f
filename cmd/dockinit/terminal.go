package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// openTerminal makes a pty in the container's own devpts, so that its name exists there, takes the slave as standard
// streams and controlling terminal, and hands the master to the caller.
func openTerminal(caller socket, s *handshake.Setup) error {
	master, slave, err := openPTY()
	if err != nil {
		return fmt.Errorf("open a terminal: %w", err)
	}
	defer shut(master)
	defer shut(slave)
	p := s.Process
	if p.Rows > 0 && p.Cols > 0 {
		size := unix.Winsize{Row: p.Rows, Col: p.Cols}
		if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &size); err != nil {
			return fmt.Errorf("set the terminal's size: %w", err)
		}
	}
	if p.UID != 0 {
		if err := unix.Fchown(slave, p.UID, -1); err != nil {
			return fmt.Errorf("give the terminal to user %d: %w", p.UID, err)
		}
	}
	if s.Root != nil {
		if err := makeConsole(slave); err != nil {
			return fmt.Errorf("make /dev/console: %w", err)
		}
	}
	for fd := range 3 {
		if err := unix.Dup3(slave, fd, 0); err != nil {
			return fmt.Errorf("connect the terminal: %w", err)
		}
	}
	// We lead a session without a terminal, so this one becomes its controlling terminal (tty_ioctl(4)).
	if err := unix.IoctlSetInt(0, unix.TIOCSCTTY, 0); err != nil {
		return fmt.Errorf("take the terminal as the controlling one: %w", err)
	}
	return sendMaster(caller, master)
}

func openPTY() (master, slave int, err error) {
	master, err = unix.Open("/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("/dev/pts/ptmx: %w", err)
	}
	// In a running container somebody may have put another file there, for us to write the caller's keys into.
	var fs unix.Statfs_t
	if err := unix.Fstatfs(master, &fs); err != nil || fs.Type != unix.DEVPTS_SUPER_MAGIC {
		shut(master)
		return -1, -1, errors.Join(errors.New("/dev/pts/ptmx is not a terminal's"), err)
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		shut(master)
		return -1, -1, fmt.Errorf("unlock: %w", err)
	}
	// TIOCGPTPEER opens the slave without a path that could lead elsewhere (ioctl_tty(2)).
	slave, err = openPeer(master, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if err != nil {
		shut(master)
		return -1, -1, fmt.Errorf("open the other end: %w", err)
	}
	return master, slave, nil
}

// makeConsole binds the slave on /dev/console: programs look for their terminal there.
func makeConsole(slave int) error {
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer shut(root)
	tree, err := unix.OpenTree(slave, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return err
	}
	defer shut(tree)
	return attach(tree, root, "/dev/console")
}

// sendMaster passes the descriptor along with the header of an empty Terminal frame (unix(7), SCM_RIGHTS).
func sendMaster(caller socket, master int) error {
	err := unix.Sendmsg(int(caller), handshake.Header(handshake.Terminal, 0), unix.UnixRights(master), nil, unix.MSG_NOSIGNAL)
	if err != nil {
		return fmt.Errorf("hand over the terminal: %w", err)
	}
	return nil
}

// openPeer is an ioctl whose result is a descriptor, which x/sys has no function for.
func openPeer(master, flags int) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, uintptr(flags))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
