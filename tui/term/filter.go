package term

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	uv "github.com/charmbracelet/ultraviolet"
)

// maxParam bounds every number in a sequence: x/vt counts some of them down one by one.
const maxParam = 9999

// control carries out a C0 control character.
func (e *Emulator) control(b byte) {
	if b == bel || b == 0x0e || b == 0x0f { // bell and shifts move nothing
		_, _ = e.vt.Write([]byte{b})
		return
	}
	e.movedLocked()
	_, _ = e.vt.Write([]byte{b})
}

// movedLocked forgets what is only true until the cursor moves.
func (e *Emulator) movedLocked() {
	e.pending, e.last = false, printed{}
}

// escape carries out ESC sequences.
func (e *Emulator) escape(b []byte) {
	seq := string(b)
	switch seq {
	case "c": // RIS
		e.rebuildLocked()
		return
	case "E": // NEL, which x/vt does not know
		e.movedLocked()
		e.rawLocked("\r\n")
		return
	case "\\", "Z": // a lone string terminator; DECID
		return
	}
	if strings.IndexByte("()*+", b[0]) < 0 {
		e.movedLocked()
	}
	e.rawLocked("\x1b" + seq)
	if seq == "8" {
		e.clampCursorLocked()
	}
}

// csiSeq is a control sequence, taken apart.
type csiSeq struct {
	prefix byte // one of < = > ?, or 0
	params []int
	inter  string
	final  byte
	raw    string // parameters as they came, for SGR with its colons
}

// parseCSI takes the body of a control sequence apart; b ends with the final byte.
func parseCSI(b []byte) csiSeq {
	s := csiSeq{final: b[len(b)-1]}
	body := string(b[:len(b)-1])
	if body != "" && body[0] >= '<' && body[0] <= '?' {
		s.prefix, body = body[0], body[1:]
	}
	if i := strings.IndexFunc(body, func(r rune) bool { return r < 0x30 }); i >= 0 {
		body, s.inter = body[:i], body[i:]
	}
	s.raw = body
	if body == "" {
		return s
	}
	for _, f := range strings.Split(body, ";") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 0 {
			n = 0
			if len(f) > 4 && strings.Trim(f, "0123456789") == "" {
				n = maxParam
			}
		}
		s.params = append(s.params, min(n, maxParam))
	}
	return s
}

// param is the i-th parameter; def when it is missing or zero.
func (s csiSeq) param(i, def int) int {
	if i < len(s.params) && s.params[i] > 0 {
		return s.params[i]
	}
	return def
}

// csi carries out a control sequence.
func (e *Emulator) csi(b []byte) {
	s := parseCSI(b)
	switch {
	case s.final == 'm' && s.prefix == 0 && s.inter == "":
		e.rawLocked("\x1b[" + s.raw + "m") // SGR moves nothing
	case s.final == 'h' || s.final == 'l':
		e.setModesLocked(s)
	case s.final == 'q' && s.inter == " ":
		e.cursorStyleLocked(s.param(0, 1))
	case s.final == 'p' && s.inter == "!":
		e.softResetLocked()
	case e.answerLocked(s):
	case s.prefix != 0 || s.inter != "":
		// Nothing else with a prefix is of use here: keyboard protocols, selective erase, private colour queries.
	default:
		e.moveLocked(s)
	}
}

// moveLocked carries out what moves the cursor or changes cells.
func (e *Emulator) moveLocked(s csiSeq) {
	if s.final == 'b' {
		e.repeatLocked(s.param(0, 1))
		return
	}
	e.movedLocked()
	switch s.final {
	case 'r':
		e.scrollRegionLocked(s)
	case 'u': // SCORC, which x/vt does not know
		e.rawLocked("\x1b8")
		e.clampCursorLocked()
	case 'J':
		e.eraseDisplayLocked(s)
	case 't': // window operations would move the learner's window
	default:
		e.rawLocked("\x1b[" + joinParams(s.params) + string(s.final))
	}
}

func joinParams(params []int) string {
	fields := make([]string, len(params))
	for i, n := range params {
		fields[i] = strconv.Itoa(n)
	}
	return strings.Join(fields, ";")
}

// scrollRegionLocked sets the scroll region, clamped to the screen: x/vt panics when it scrolls a larger one.
func (e *Emulator) scrollRegionLocked(s csiSeq) {
	top, bottom := s.param(0, 1), min(s.param(1, e.rows), e.rows)
	if top < bottom {
		e.rawLocked(fmt.Sprintf("\x1b[%d;%dr", top, bottom))
	}
}

// eraseDisplayLocked erases parts of the screen. x/vt's ED 1 takes the rest of the row as well, and its ED 3 the screen.
func (e *Emulator) eraseDisplayLocked(s csiSeq) {
	switch s.param(0, 0) {
	case 1:
		p := e.vt.CursorPosition()
		for y := range min(p.Y, e.rows) {
			for x := range e.cols {
				e.vt.SetCell(x, y, nil)
			}
		}
		e.rawLocked("\x1b[1K")
	case 3:
		e.vt.ClearScrollback()
	default:
		e.rawLocked("\x1b[" + joinParams(s.params) + "J")
	}
}

// setModesLocked sets or resets modes. Only those we can keep are let through.
func (e *Emulator) setModesLocked(s csiSeq) {
	on := s.final == 'h'
	for _, n := range s.params {
		switch s.prefix {
		case '?':
			e.privateModeLocked(n, on)
		case 0:
			e.ansiModeLocked(n, on)
		}
	}
}

func (e *Emulator) ansiModeLocked(n int, on bool) {
	switch n {
	case 4:
		e.modes.Insert = on
	case 20:
		e.modes.NewLine = on
		e.rawLocked(modeSeq("", n, on))
	}
}

func (e *Emulator) privateModeLocked(n int, on bool) {
	m := &e.modes
	switch n {
	case 1:
		m.AppCursor = on
	case 7:
		m.AutoWrap = on
		e.pending = e.pending && on
		e.rawLocked(modeSeq("?", n, on))
	case 12:
		e.style.Blink = on
	case 25:
		e.style.Hidden = !on
	case 9, 1000, 1002, 1003:
		m.Mouse = tracking(n, on)
	case 1004:
		m.FocusEvents = on
	case 1006:
		m.MouseSGR = on
	case 2004:
		m.BracketedPaste = on
	case 47, 1047, 1049:
		e.altScreenLocked(n, on)
	case 6, 1048:
		e.movedLocked()
		e.rawLocked(modeSeq("?", n, on))
		e.clampCursorLocked()
	}
}

func tracking(n int, on bool) MouseTracking {
	if !on {
		return MouseOff
	}
	return map[int]MouseTracking{9: MouseX10, 1000: MousePress, 1002: MouseDrag, 1003: MouseMotion}[n]
}

func modeSeq(prefix string, n int, on bool) string {
	final := "l"
	if on {
		final = "h"
	}
	return "\x1b[" + prefix + strconv.Itoa(n) + final
}

// altScreenLocked shows the alternate or the main screen.
func (e *Emulator) altScreenLocked(n int, on bool) {
	e.movedLocked()
	if n == 47 {
		n = 1047
	}
	if !on && e.modes.Alt {
		e.rawLocked("\x1b[3J") // x/vt keeps a history of the alternate screen, too; drop it
	}
	e.modes.Alt = on
	e.rawLocked(modeSeq("?", n, on))
	e.clampCursorLocked()
}

// clampCursorLocked brings back a restored cursor that a smaller screen has left outside.
func (e *Emulator) clampCursorLocked() {
	p := e.vt.CursorPosition()
	x, y := min(max(p.X, 0), e.cols-1), min(max(p.Y, 0), e.rows-1)
	if x != p.X || y != p.Y {
		e.rawLocked(fmt.Sprintf("\x1b[%d;%df", y+1, x+1))
	}
}

// cursorStyleLocked is DECSCUSR.
func (e *Emulator) cursorStyleLocked(n int) {
	if n > 6 {
		return
	}
	e.style.Blink = n%2 == 1
	e.style.Shape = []uv.CursorShape{uv.CursorBlock, uv.CursorUnderline, uv.CursorBar}[(n-1)/2]
}

// softResetLocked is DECSTR.
func (e *Emulator) softResetLocked() {
	p := e.vt.CursorPosition()
	e.movedLocked()
	e.rawLocked("\x1b[0m\x1b[?7h\x1b[?6l\x1b[r")
	e.rawLocked(fmt.Sprintf("\x1b[%d;%df", p.Y+1, p.X+1))
	e.modes.AutoWrap, e.modes.Insert, e.modes.AppCursor, e.style.Hidden = true, false, false, false
}

// command carries out OSC sequences. Only the title is let through: no clipboard (52), no links, no colours.
func (e *Emulator) command(b []byte) {
	kind, text, ok := strings.Cut(string(b), ";")
	if ok && (kind == "0" || kind == "2") {
		e.title = cleanTitle(text)
	}
}

// cleanTitle keeps what may stand in a window's title.
func cleanTitle(s string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s))
	return string(runes[:min(len(runes), 80)])
}
