//go:build unix

package term

import "golang.org/x/sys/unix"

// setWinsize is TIOCSWINSZ (ioctl_tty(2)).
func setWinsize(fd uintptr, cols, rows int) error {
	return unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(cols), Row: uint16(rows)})
}
