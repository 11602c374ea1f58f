// Package terminal is what the programs that own the screen share: raw mode, size, keys and the width of text.
package terminal

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Terminal is a terminal in raw mode. It has one user at a time.
type Terminal struct {
	In      *os.File
	Out     *os.File
	before  *term.State
	signals chan os.Signal
	woken   [2]*os.File // a pipe that turns the signal into something poll(2) sees
	unread  []byte
}

// Open puts in into raw mode until Close.
func Open(in, out *os.File) (*Terminal, error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	if err := returnIsNewline(int(in.Fd())); err != nil {
		return nil, errors.Join(err, term.Restore(int(in.Fd()), before))
	}
	t := &Terminal{In: in, Out: out, before: before, signals: make(chan os.Signal, 1)}
	if t.woken[0], t.woken[1], err = os.Pipe(); err != nil {
		return nil, errors.Join(err, term.Restore(int(in.Fd()), before))
	}
	signal.Notify(t.signals, syscall.SIGWINCH)
	go func() {
		for range t.signals {
			if _, err := t.woken[1].Write([]byte{0}); err != nil {
				return
			}
		}
	}()
	return t, nil
}

// returnIsNewline keeps the kernel's translation of Enter, so that lines typed ahead are lines for the next program, too.
func returnIsNewline(fd int) error {
	state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	state.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(fd, unix.TCSETS, state)
}

// Close gives the terminal back as it was.
func (t *Terminal) Close() error {
	signal.Stop(t.signals)
	close(t.signals)
	t.woken[0].Close()
	t.woken[1].Close()
	return term.Restore(int(t.In.Fd()), t.before)
}

// Size is the terminal's columns and rows; 80 and 24 where it does not know them.
func (t *Terminal) Size() (columns, rows int) { return Size(t.Out) }

// Size is the columns and rows of the terminal f; 80 and 24 where it does not know them.
func Size(f *os.File) (columns, rows int) {
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}

// IsTerminal tells whether f is one.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
