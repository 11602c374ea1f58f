package keymap

import (
	"unicode/utf8"

	uv "github.com/charmbracelet/ultraviolet"
)

// Action is something the interface does. theme has its name in words under "do." and the action.
type Action string

// What the interface does.
const (
	None     Action = ""
	Lesson   Action = "lesson"
	Shell    Action = "shell"
	Cluster  Action = "cluster"
	Checks   Action = "checks"
	Zoom     Action = "zoom"
	Hint     Action = "hint"
	Why      Action = "why"
	Answer   Action = "answer"
	Reset    Action = "reset"
	Next     Action = "next"
	Previous Action = "previous"
	Lessons  Action = "lessons"
	Search   Action = "search"
	Palette  Action = "palette"
	History  Action = "history"
	Mouse    Action = "mouse"
	Help     Action = "help"
	Quit     Action = "quit"
	Wider    Action = "wider"
	Narrower Action = "narrower"
	Language Action = "language"
	Literal  Action = "literal"
	Code     Action = "code"
)

// Prefix is the key that turns the next one into a command while the shell has the focus.
const Prefix = "ctrl+g"

// PrefixName is how the prefix is written for people.
const PrefixName = "Ctrl+G"

// Binding is a key and what it does.
type Binding struct {
	Key    string // as Name gives it
	Action Action
	Group  string // heading in the help: "panes", "lesson", "view", "drydock"
}

// Bindings are the one-letter commands: after the prefix in the shell, at once outside of it.
func Bindings() []Binding {
	return []Binding{
		{"1", Lesson, "panes"},
		{"2", Shell, "panes"},
		{"3", Cluster, "panes"},
		{"4", Checks, "panes"},
		{"z", Zoom, "panes"},
		{"+", Wider, "panes"},
		{"-", Narrower, "panes"},
		{"h", Hint, "lesson"},
		{"c", Why, "lesson"},
		{"a", Answer, "lesson"},
		{"n", Next, "lesson"},
		{"p", Previous, "lesson"},
		{"l", Lessons, "lesson"},
		{"/", Search, "lesson"},
		{"r", Reset, "lesson"},
		{"[", History, "view"},
		{"m", Mouse, "view"},
		{"L", Language, "view"},
		{":", Palette, "drydock"},
		{"?", Help, "drydock"},
		{"q", Quit, "drydock"},
	}
}

// Lookup is the command on a key.
func Lookup(key string) Action {
	for _, b := range Bindings() {
		if b.Key == key {
			return b.Action
		}
	}
	return None
}

// Name is a key's name in Latin letters whatever the layout: "ctrl+g", "enter", "L". Text on a Korean layout becomes the
// letter on the same key.
func Name(k uv.Key) string {
	if k.Text != "" && k.Mod&^uv.ModShift == 0 {
		if k.Text == " " {
			return "space"
		}
		r, n := utf8.DecodeRuneInString(k.Text)
		if n == len(k.Text) {
			return string(Latin(r))
		}
		return k.Text
	}
	if k.Code < uv.KeyExtended && k.Code >= utf8.RuneSelf && k.BaseCode == 0 {
		k.Code = Latin(k.Code)
		if k.Code >= 'A' && k.Code <= 'Z' {
			k.Code += 'a' - 'A'
		}
	}
	return k.Keystroke()
}
