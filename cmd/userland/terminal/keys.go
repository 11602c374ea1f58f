package terminal

import (
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Key is one key: the rune it types, or one of the constants below.
type Key rune

// Keys that type no character. Control keys are their own character: Ctrl+C is 3.
const (
	Up Key = -iota - 1
	Down
	Right
	Left
	Home
	End
	Delete
	PageUp
	PageDown
	WordLeft
	WordRight
	Resize // the terminal has another size
	Unknown
)

// Escape is the key of that name, Backspace what terminals send for it (some send Ctrl+H).
const (
	Escape    Key = 27
	Backspace Key = 127
)

// Ctrl is the key that Ctrl and letter send.
func Ctrl(letter byte) Key { return Key(letter & 0x1f) }

// sequences are what terminals send after Escape (xterm's ctlseqs, in normal and application mode).
var sequences = map[string]Key{
	"[A": Up, "[B": Down, "[C": Right, "[D": Left, "OA": Up, "OB": Down, "OC": Right, "OD": Left,
	"[H": Home, "[F": End, "OH": Home, "OF": End, "[1~": Home, "[4~": End, "[7~": Home, "[8~": End,
	"[3~": Delete, "[5~": PageUp, "[6~": PageDown,
	"[1;5C": WordRight, "[1;5D": WordLeft, "[1;3C": WordRight, "[1;3D": WordLeft,
}

// ReadKey waits for a key. It reads byte by byte, so that what is typed ahead stays in the kernel for the next program.
func (t *Terminal) ReadKey() (Key, error) {
	for {
		typed, resized, err := t.wait(-1)
		if err != nil {
			return 0, err
		}
		if resized {
			return Resize, nil
		}
		if typed {
			break
		}
	}
	first, err := t.readByte()
	switch {
	case err != nil:
		return 0, err
	case first == byte(Escape):
		return t.sequence()
	case first < utf8.RuneSelf:
		return Key(first), nil
	default:
		return t.multibyte(first)
	}
}

// WaitKey tells whether a key, or another size, is there within the time; for programs that draw in between.
func (t *Terminal) WaitKey(milliseconds int) (bool, error) {
	typed, resized, err := t.wait(milliseconds)
	if resized {
		t.signals <- unix.SIGWINCH // for the ReadKey that follows
	}
	return typed || resized, err
}

func (t *Terminal) wait(milliseconds int) (typed, resized bool, err error) {
	if len(t.unread) > 0 {
		return true, false, nil
	}
	fds := []unix.PollFd{{Fd: int32(t.In.Fd()), Events: unix.POLLIN}, {Fd: int32(t.woken[0].Fd()), Events: unix.POLLIN}}
	_, err = unix.Poll(fds, milliseconds)
	if errors.Is(err, unix.EINTR) { // poll(2) is never restarted
		return false, false, nil
	}
	if fds[1].Revents != 0 {
		_, err = t.woken[0].Read(make([]byte, 16))
		return false, true, err
	}
	return fds[0].Revents != 0, false, err
}

func (t *Terminal) readByte() (byte, error) {
	if len(t.unread) > 0 {
		b := t.unread[0]
		t.unread = t.unread[1:]
		return b, nil
	}
	var b [1]byte
	for {
		n, err := unix.Read(int(t.In.Fd()), b[:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return b[0], nil
		}
	}
}

// sequence reads the rest after Escape. A lone Escape has nothing behind it for a moment, or no bracket.
func (t *Terminal) sequence() (Key, error) {
	var typed []byte
	for len(typed) < 12 {
		more, _, err := t.wait(40)
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
		b, err := t.readByte()
		if err != nil {
			return 0, err
		}
		typed = append(typed, b)
		if key, ok := sequences[string(typed)]; ok {
			return key, nil
		}
		if len(typed) == 1 && b != '[' && b != 'O' {
			break
		}
		if len(typed) > 1 && b >= '@' {
			return Unknown, nil
		}
	}
	t.unread = append(typed, t.unread...)
	return Escape, nil
}

func (t *Terminal) multibyte(first byte) (Key, error) {
	bytes := []byte{first}
	for !utf8.FullRune(bytes) && len(bytes) < utf8.UTFMax {
		b, err := t.readByte()
		if err != nil {
			return 0, err
		}
		bytes = append(bytes, b)
	}
	r, _ := utf8.DecodeRune(bytes)
	return Key(r), nil
}
