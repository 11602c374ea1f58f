package term

import (
	"fmt"
	"strings"
	"unicode/utf8"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"drydock/tui/keymap"
)

// SendKey writes a key press to the program.
func (e *Emulator) SendKey(k uv.Key) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if seq := encodeKey(k, e.modes); seq != "" {
		e.reply([]byte(seq))
		e.escaped = seq == "\x1b"
	}
}

// Paste writes text to the program, in brackets when it asked for them. A shell that has just been sent Esc waits for the
// rest of a key and would read the bracket as that; Ctrl+G makes it forget.
func (e *Emulator) Paste(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\r"), "\n", "\r")
	if e.modes.BracketedPaste {
		// Without the end mark inside, pasted text cannot leave the brackets and run as typed.
		if e.escaped {
			e.reply([]byte("\a"))
		}
		text = "\x1b[200~" + strings.ReplaceAll(text, "\x1b[201~", "") + "\x1b[201~"
	}
	e.reply([]byte(text))
	e.escaped = false
}

// SendFocus tells the program that the terminal has, or has lost, the focus.
func (e *Emulator) SendFocus(in bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.modes.FocusEvents {
		return
	}
	if in {
		e.replyf("\x1b[I")
	} else {
		e.replyf("\x1b[O")
	}
}

// encodeKey is what a key sends in xterm's legacy encoding. The outer terminal may report more than that encoding can say
// (Shift+Enter); then the key counts as if the modifier were not held.
func encodeKey(k uv.Key, m Modes) string {
	ctrl, alt := k.Mod.Contains(uv.ModCtrl), k.Mod.Contains(uv.ModAlt)
	prefix := ""
	if alt {
		prefix = "\x1b"
	}
	if k.Text != "" && !ctrl {
		return prefix + k.Text
	}
	if seq := specialKey(k, m); seq != "" {
		return seq
	}
	code := baseCode(k)
	if code >= uv.KeyExtended || !utf8.ValidRune(code) {
		return ""
	}
	if ctrl {
		if b, ok := ctrlByte(code); ok {
			return prefix + string(rune(b))
		}
	}
	return prefix + plainRune(k, code)
}

// baseCode is the key's place on a Latin keyboard, so that Ctrl+C works on a Korean layout.
func baseCode(k uv.Key) rune {
	if k.Code < utf8.RuneSelf || k.Code >= uv.KeyExtended {
		return k.Code
	}
	if k.BaseCode != 0 {
		return k.BaseCode
	}
	return keymap.Latin(k.Code)
}

// plainRune is a printable key that came without its text.
func plainRune(k uv.Key, code rune) string {
	if code < 0x20 || code == 0x7f {
		return ""
	}
	if k.Mod.Contains(uv.ModShift) {
		if k.ShiftedCode != 0 {
			code = k.ShiftedCode
		} else if code >= 'a' && code <= 'z' {
			code -= 'a' - 'A'
		}
	}
	return string(code)
}

// ctrlByte is the control character of Ctrl and a key.
func ctrlByte(code rune) (byte, bool) {
	switch {
	case code >= 'a' && code <= 'z', code >= '@' && code <= '_':
		return byte(code) & 0x1f, true
	case code == ' ' || code == '2':
		return 0, true
	case code >= '3' && code <= '7':
		return byte(code - '3' + 0x1b), true
	case code == '8' || code == '?':
		return 0x7f, true
	case code == '/' || code == '-':
		return 0x1f, true
	}
	return 0, false
}

// modParam is xterm's number for the modifiers; 1 is none.
func modParam(mod uv.KeyMod) int {
	n := 1
	for i, bit := range []uv.KeyMod{uv.ModShift, uv.ModAlt, uv.ModCtrl} {
		if mod.Contains(bit) {
			n += 1 << i
		}
	}
	return n
}

var (
	// letterKeys send CSI 1 ; modifiers letter, or CSI letter.
	letterKeys = map[rune]byte{
		uv.KeyUp: 'A', uv.KeyDown: 'B', uv.KeyRight: 'C', uv.KeyLeft: 'D', uv.KeyHome: 'H', uv.KeyEnd: 'F', uv.KeyBegin: 'E',
		uv.KeyKpUp: 'A', uv.KeyKpDown: 'B', uv.KeyKpRight: 'C', uv.KeyKpLeft: 'D', uv.KeyKpHome: 'H', uv.KeyKpEnd: 'F',
		uv.KeyF1: 'P', uv.KeyF2: 'Q', uv.KeyF3: 'R', uv.KeyF4: 'S',
	}
	// numberKeys send CSI number ; modifiers ~.
	numberKeys = map[rune]int{
		uv.KeyInsert: 2, uv.KeyDelete: 3, uv.KeyPgUp: 5, uv.KeyPgDown: 6,
		uv.KeyKpInsert: 2, uv.KeyKpDelete: 3, uv.KeyKpPgUp: 5, uv.KeyKpPgDown: 6,
		uv.KeyF5: 15, uv.KeyF6: 17, uv.KeyF7: 18, uv.KeyF8: 19, uv.KeyF9: 20, uv.KeyF10: 21, uv.KeyF11: 23, uv.KeyF12: 24,
	}
	keypad = map[rune]string{
		uv.KeyKpEnter: "\r", uv.KeyKpEqual: "=", uv.KeyKpMultiply: "*", uv.KeyKpPlus: "+", uv.KeyKpComma: ",",
		uv.KeyKpMinus: "-", uv.KeyKpDecimal: ".", uv.KeyKpDivide: "/", uv.KeyKp0: "0", uv.KeyKp1: "1", uv.KeyKp2: "2",
		uv.KeyKp3: "3", uv.KeyKp4: "4", uv.KeyKp5: "5", uv.KeyKp6: "6", uv.KeyKp7: "7", uv.KeyKp8: "8", uv.KeyKp9: "9",
	}
)

// specialKey is what a key that is no character sends.
func specialKey(k uv.Key, m Modes) string {
	mods := modParam(k.Mod)
	if letter, ok := letterKeys[k.Code]; ok {
		switch {
		case mods > 1:
			return fmt.Sprintf("\x1b[1;%d%c", mods, letter)
		case letter >= 'P' || m.AppCursor:
			return "\x1bO" + string(rune(letter))
		}
		return "\x1b[" + string(rune(letter))
	}
	if n, ok := numberKeys[k.Code]; ok {
		if mods > 1 {
			return fmt.Sprintf("\x1b[%d;%d~", n, mods)
		}
		return fmt.Sprintf("\x1b[%d~", n)
	}
	return editKey(k, m)
}

// editKey is what Enter and its neighbours send.
func editKey(k uv.Key, m Modes) string {
	prefix := ""
	if k.Mod.Contains(uv.ModAlt) {
		prefix = "\x1b"
	}
	switch k.Code {
	case uv.KeyEnter, uv.KeyKpEnter:
		if m.NewLine {
			return prefix + "\r\n"
		}
		return prefix + "\r"
	case uv.KeyTab:
		if k.Mod.Contains(uv.ModShift) {
			return prefix + "\x1b[Z"
		}
		return prefix + "\t"
	case uv.KeyBackspace:
		if k.Mod.Contains(uv.ModCtrl) {
			return prefix + "\b"
		}
		return prefix + "\x7f"
	case uv.KeyEscape:
		return prefix + "\x1b"
	}
	if s, ok := keypad[k.Code]; ok {
		return prefix + s
	}
	return ""
}

// SendMouse writes a mouse event to the program, if it asked for this kind.
func (e *Emulator) SendMouse(ev uv.MouseEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if seq := encodeMouse(ev, e.modes); seq != "" {
		e.reply([]byte(seq))
	}
}

func encodeMouse(ev uv.MouseEvent, m Modes) string {
	mouse := ev.Mouse()
	_, motion := ev.(uv.MouseMotionEvent)
	_, release := ev.(uv.MouseReleaseEvent)
	switch {
	case m.Mouse == MouseOff, release && m.Mouse < MousePress, motion && m.Mouse < MouseDrag:
		return ""
	case motion && m.Mouse == MouseDrag && mouse.Button == uv.MouseNone:
		return ""
	}
	b := ansi.EncodeMouseButton(mouse.Button, motion,
		mouse.Mod.Contains(uv.ModShift), mouse.Mod.Contains(uv.ModAlt), mouse.Mod.Contains(uv.ModCtrl))
	if m.MouseSGR {
		return ansi.MouseSgr(b, mouse.X, mouse.Y, release)
	}
	if release {
		b |= 3 // X10 reports do not say which button was let go
	}
	return ansi.MouseX10(b, mouse.X, mouse.Y)
}
