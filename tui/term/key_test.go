package term_test

import (
	"fmt"
	"strings"
	"testing"

	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/term"
)

func TestSendKey(t *testing.T) {
	const app, newline = "\x1b[?1h", "\x1b[20h"
	cases := []struct {
		name, modes string
		key         uv.Key
		want        string
	}{
		{"letter", "", uv.Key{Code: 'a', Text: "a"}, "a"},
		{"capital", "", uv.Key{Code: 'a', ShiftedCode: 'A', Text: "A", Mod: uv.ModShift}, "A"},
		{"capital without its text", "", uv.Key{Code: 'a', Mod: uv.ModShift}, "A"},
		{"Korean", "", uv.Key{Code: '가', Text: "가"}, "가"},
		{"Ctrl+C", "", uv.Key{Code: 'c', Mod: uv.ModCtrl}, "\x03"},
		{"Ctrl+C on a Korean layout", "", uv.Key{Code: 'ㅊ', Mod: uv.ModCtrl}, "\x03"},
		{"Ctrl+C on a Korean layout, alternate keys", "", uv.Key{Code: 'ㅊ', BaseCode: 'c', Mod: uv.ModCtrl}, "\x03"},
		{"Ctrl+Space", "", uv.Key{Code: ' ', Mod: uv.ModCtrl}, "\x00"},
		{"Ctrl+slash", "", uv.Key{Code: '/', Mod: uv.ModCtrl}, "\x1f"},
		{"Ctrl+backslash", "", uv.Key{Code: '\\', Mod: uv.ModCtrl}, "\x1c"},
		{"Alt+b", "", uv.Key{Code: 'b', Mod: uv.ModAlt}, "\x1bb"},
		{"Alt+Shift+b", "", uv.Key{Code: 'b', ShiftedCode: 'B', Mod: uv.ModAlt | uv.ModShift}, "\x1bB"},
		{"Ctrl+Alt+x", "", uv.Key{Code: 'x', Mod: uv.ModAlt | uv.ModCtrl}, "\x1b\x18"},
		{"Enter", "", uv.Key{Code: uv.KeyEnter}, "\r"},
		{"Enter in new line mode", newline, uv.Key{Code: uv.KeyEnter}, "\r\n"},
		{"Shift+Enter", "", uv.Key{Code: uv.KeyEnter, Mod: uv.ModShift}, "\r"},
		{"Ctrl+Enter", "", uv.Key{Code: uv.KeyEnter, Mod: uv.ModCtrl}, "\r"},
		{"Backspace", "", uv.Key{Code: uv.KeyBackspace}, "\x7f"},
		{"Alt+Backspace", "", uv.Key{Code: uv.KeyBackspace, Mod: uv.ModAlt}, "\x1b\x7f"},
		{"Tab", "", uv.Key{Code: uv.KeyTab}, "\t"},
		{"Shift+Tab", "", uv.Key{Code: uv.KeyTab, Mod: uv.ModShift}, "\x1b[Z"},
		{"Escape", "", uv.Key{Code: uv.KeyEscape}, "\x1b"},
		{"Up", "", uv.Key{Code: uv.KeyUp}, "\x1b[A"},
		{"Up in application mode", app, uv.Key{Code: uv.KeyUp}, "\x1bOA"},
		{"Home in application mode", app, uv.Key{Code: uv.KeyHome}, "\x1bOH"},
		{"Ctrl+Right", "", uv.Key{Code: uv.KeyRight, Mod: uv.ModCtrl}, "\x1b[1;5C"},
		{"Ctrl+Right in application mode", app, uv.Key{Code: uv.KeyRight, Mod: uv.ModCtrl}, "\x1b[1;5C"},
		{"Alt+Shift+Left", "", uv.Key{Code: uv.KeyLeft, Mod: uv.ModAlt | uv.ModShift}, "\x1b[1;4D"},
		{"Delete", "", uv.Key{Code: uv.KeyDelete}, "\x1b[3~"},
		{"Shift+PgUp", "", uv.Key{Code: uv.KeyPgUp, Mod: uv.ModShift}, "\x1b[5;2~"},
		{"F1", "", uv.Key{Code: uv.KeyF1}, "\x1bOP"},
		{"F5", "", uv.Key{Code: uv.KeyF5}, "\x1b[15~"},
		{"Shift+F5", "", uv.Key{Code: uv.KeyF5, Mod: uv.ModShift}, "\x1b[15;2~"},
		{"keypad 7", "", uv.Key{Code: uv.KeyKp7}, "7"},
		{"a key without a meaning", "", uv.Key{Code: uv.KeyCapsLock}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got strings.Builder
			e := term.New(20, 5, func(b []byte) { got.Write(b) })
			fmt.Fprint(e, c.modes)
			e.SendKey(c.key)
			if got.String() != c.want {
				t.Errorf("sent %q, want %q", got.String(), c.want)
			}
		})
	}
}

func TestSendMouse(t *testing.T) {
	click := uv.MouseClickEvent{X: 4, Y: 2, Button: uv.MouseLeft}
	release := uv.MouseReleaseEvent{X: 4, Y: 2, Button: uv.MouseLeft}
	drag := uv.MouseMotionEvent{X: 5, Y: 2, Button: uv.MouseLeft}
	move := uv.MouseMotionEvent{X: 5, Y: 2}
	cases := []struct {
		name, modes string
		event       uv.MouseEvent
		want        string
	}{
		{"not asked for", "", click, ""},
		{"click", "\x1b[?1000;1006h", click, "\x1b[<0;5;3M"},
		{"release", "\x1b[?1000;1006h", release, "\x1b[<0;5;3m"},
		{"release, X10", "\x1b[?9h", release, ""},
		{"click, old encoding", "\x1b[?1000h", click, "\x1b[M %#"},
		{"drag not asked for", "\x1b[?1000;1006h", drag, ""},
		{"drag", "\x1b[?1002;1006h", drag, "\x1b[<32;6;3M"},
		{"move not asked for", "\x1b[?1002;1006h", move, ""},
		{"move", "\x1b[?1003;1006h", move, "\x1b[<35;6;3M"},
		{"off again", "\x1b[?1003;1006h\x1b[?1003l", click, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got strings.Builder
			e := term.New(20, 5, func(b []byte) { got.Write(b) })
			fmt.Fprint(e, c.modes)
			e.SendMouse(c.event)
			if got.String() != c.want {
				t.Errorf("sent %q, want %q", got.String(), c.want)
			}
		})
	}
}

func TestPaste(t *testing.T) {
	var got strings.Builder
	e := term.New(20, 5, func(b []byte) { got.Write(b) })
	e.Paste("a\nb")
	fmt.Fprint(e, "\x1b[?2004h")
	e.Paste("c\r\nd\x1b[201~rm -rf /\n")
	if want := "a\rb\x1b[200~c\rdrm -rf /\r\x1b[201~"; got.String() != want {
		t.Errorf("pasted %q, want %q", got.String(), want)
	}
	got.Reset()
	e.SendKey(uv.Key{Code: uv.KeyEscape})
	e.Paste("d")
	e.Paste("e")
	if want := "\x1b\a\x1b[200~d\x1b[201~\x1b[200~e\x1b[201~"; got.String() != want {
		t.Errorf("pasted %q after Esc, want %q", got.String(), want)
	}
}
