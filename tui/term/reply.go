package term

import "fmt"

// answerLocked answers a program's question about the terminal, and says whether s was one. x/vt would write its answers to
// a pipe nobody may be reading, with our lock held.
func (e *Emulator) answerLocked(s csiSeq) bool {
	switch string(s.prefix) + s.inter + string(s.final) {
	case "\x00c":
		e.replyf("\x1b[?62;22c") // a VT220 with colours
	case ">c":
		e.replyf("\x1b[>1;10;0c")
	case ">q":
		e.replyf("\x1bP>|drydock\x1b\\")
	case "\x00n", "?n":
		e.reportLocked(s)
	case "?$p":
		e.reportModeLocked(s.param(0, 0))
	case "\x00$p":
		e.replyf("\x1b[%d;0$y", s.param(0, 0))
	case "\x00t":
		if s.param(0, 0) == 18 {
			e.replyf("\x1b[8;%d;%dt", e.rows, e.cols)
		}
	default:
		return false
	}
	return true
}

func (e *Emulator) replyf(format string, args ...any) {
	e.reply(fmt.Appendf(nil, format, args...))
}

// reportLocked is DSR: the state of the terminal, or where the cursor is.
func (e *Emulator) reportLocked(s csiSeq) {
	p := e.vt.CursorPosition()
	switch {
	case s.param(0, 0) == 5 && s.prefix == 0:
		e.replyf("\x1b[0n")
	case s.param(0, 0) == 6 && s.prefix == 0:
		e.replyf("\x1b[%d;%dR", p.Y+1, p.X+1)
	case s.param(0, 0) == 6:
		e.replyf("\x1b[?%d;%d;1R", p.Y+1, p.X+1)
	}
}

// reportModeLocked is DECRQM: 1 is set, 2 is reset, 0 is not known here.
func (e *Emulator) reportModeLocked(n int) {
	m := e.modes
	state := map[int]bool{
		1: m.AppCursor, 7: m.AutoWrap, 25: !e.style.Hidden, 1004: m.FocusEvents, 1006: m.MouseSGR, 2004: m.BracketedPaste,
		1047: m.Alt, 1049: m.Alt, 1000: m.Mouse == MousePress, 1002: m.Mouse == MouseDrag, 1003: m.Mouse == MouseMotion,
	}
	answer := 0
	if on, known := state[n]; known {
		answer = 2
		if on {
			answer = 1
		}
	}
	e.replyf("\x1b[?%d;%d$y", n, answer)
}
