package widget

import (
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Input is a line that is being typed. It measures by graphemes, so the cursor stands where an input method expects it.
type Input struct {
	before, after string
}

// Value is the text so far.
func (in *Input) Value() string { return in.before + in.after }

// SetValue replaces the text and puts the cursor at its end.
func (in *Input) SetValue(s string) { in.before, in.after = s, "" }

// Insert puts a text at the cursor.
func (in *Input) Insert(s string) {
	for _, r := range s {
		if r >= 0x20 && r != 0x7f {
			in.before += string(r)
		}
	}
}

// Key takes a key that edits, and says whether it was one. name is the key's name in the keymap.
func (in *Input) Key(k uv.Key, name string) bool {
	switch name {
	case "backspace":
		in.before, _ = splitLast(in.before)
	case "delete":
		_, in.after = splitFirst(in.after)
	case "left", "ctrl+b":
		var c string
		in.before, c = splitLast(in.before)
		in.after = c + in.after
	case "right", "ctrl+f":
		var c string
		c, in.after = splitFirst(in.after)
		in.before += c
	case "home", "ctrl+a":
		in.before, in.after = "", in.Value()
	case "end", "ctrl+e":
		in.before, in.after = in.Value(), ""
	case "ctrl+u":
		in.before = ""
	default:
		if k.Text == "" || k.Mod&^uv.ModShift != 0 {
			return false
		}
		in.Insert(k.Text)
	}
	return true
}

// Line is the text as a line of at most width columns, and the column of the cursor in it.
func (in *Input) Line(width int, st uv.Style) (Line, int) {
	l, at := Put(Text(in.before, st), in.after, st), Width(in.before)
	if at >= width { // keep the cursor in sight
		skip := at - width + 1
		for skip < len(l) && l[skip].Width == 0 {
			skip++
		}
		l, at = l[skip:], at-skip
	}
	return l[:min(len(l), width)], at
}

func splitFirst(s string) (first, rest string) {
	if s == "" {
		return "", ""
	}
	c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	return c, s[len(c):]
}

func splitLast(s string) (rest, last string) {
	for left := s; left != ""; {
		c, next := splitFirst(left)
		if next == "" {
			return s[:len(s)-len(c)], c
		}
		left = next
	}
	return "", ""
}
