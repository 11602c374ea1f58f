// Package vi is a small vi: enough to change a file in a container as one is used to.
//
// Keys: h j k l and arrows, w b e 0 ^ $ gg G f t % Ctrl+F B D U; i a I A o O, x X r J ~ D C s S, d c y with a motion or doubled,
// p P u . and counts; / ? n N. Commands: :w :q :wq :x :q! :e FILE :r FILE :N :s/a/b/g :%s/a/b/g :set number.
// Left out: named registers, marks, macros, split windows, redo, visual mode.
package vi

import (
	"fmt"
	"os"
	"strings"

	"drydock/cmd/userland/terminal"
)

// editor is one session.
type editor struct {
	term *terminal.Terminal
	buffer

	row, col int // of the cursor, in lines and runes
	want     int // the column that up and down try to keep
	top      int // the first line on the screen
	number   bool
	inserted bool // insert mode
	done     bool

	count    int
	register []string
	linewise bool
	undo     []snapshot

	pattern string // of the last / or ?
	back    bool
	message string

	recorded []terminal.Key // the change being made, for .
	last     []terminal.Key
	replay   []terminal.Key
	replayed bool // the last key came from there
}

// Run edits one file until the person leaves; name may be empty or not exist yet.
func Run(name string, in, out *os.File) error {
	t, err := terminal.Open(in, out)
	if err != nil {
		return fmt.Errorf("need a terminal: %w", err)
	}
	e := &editor{term: t}
	e.message = e.load(name)
	_, _ = out.WriteString("\x1b[?1049h") // a terminal that is gone shows in the next read
	err = e.loop()
	_, _ = out.WriteString("\x1b[?1049l") // as above
	if restored := t.Close(); err == nil {
		err = restored
	}
	return err
}

func (e *editor) loop() error {
	for !e.done {
		e.draw()
		key, err := e.key()
		if err != nil {
			return err
		}
		e.message = ""
		if key == terminal.Resize {
			continue
		}
		if err := e.normal(key); err != nil {
			return err
		}
		e.clamp()
	}
	return nil
}

// key is the next key: typed, or of the change that . repeats.
func (e *editor) key() (terminal.Key, error) {
	if e.replayed = len(e.replay) > 0; e.replayed {
		key := e.replay[0]
		e.replay = e.replay[1:]
		return key, nil
	}
	key, err := e.term.ReadKey()
	if err == nil && key != terminal.Resize {
		e.recorded = append(e.recorded, key)
	}
	return key, err
}

// clamp keeps the cursor inside the text: in normal mode on a character, not behind the last.
func (e *editor) clamp() {
	e.row = max(0, min(e.row, len(e.lines)-1))
	last := len(e.line())
	if !e.inserted {
		last--
	}
	e.col = max(0, min(e.col, last))
}

func (e *editor) line() []rune { return e.lines[e.row] }

// say shows one line below the text.
func (e *editor) say(format string, args ...any) {
	e.message = strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
}
