// Package lineedit is the shell's prompt: one line, edited in place, with history and completion.
//
// Keys are those of every shell: arrows, Home, End, Ctrl+A E B F P N K U W Y L R D C, Alt+B F, Tab. The terminal is in raw
// mode only while a line is read.
package lineedit

import (
	"errors"
	"io"
	"os"

	"drydock/cmd/userland/terminal"
)

// ErrInterrupted is Ctrl+C: the line is given up.
var ErrInterrupted = errors.New("interrupted")

// Editor reads lines from a terminal. It has one user at a time.
type Editor struct {
	In, Out *os.File
	// Complete lists what may stand in place of line[start:cursor].
	Complete func(line string, cursor int) (start int, words []string)

	history []string
	killed  []rune // what Ctrl+Y brings back
}

// line is the line being edited and where the picture of it is.
type line struct {
	*Editor
	term   *terminal.Terminal
	prompt string
	text   []rune
	cursor int
	past   int    // index into history; len(history) is the new line
	draft  []rune // the new line, while an old one is shown
	row    int    // the row of the cursor below the prompt's first
	tabs   int    // Tabs in a row
}

// ReadLine returns the next line without its end: ErrInterrupted after Ctrl+C, io.EOF after Ctrl+D on an empty line.
func (e *Editor) ReadLine(prompt string) (string, error) {
	t, err := terminal.Open(e.In, e.Out)
	if err != nil {
		return "", err
	}
	defer func() { _ = t.Close() }() // the next line tries again
	l := &line{Editor: e, term: t, prompt: prompt, past: len(e.history)}
	l.draw()
	for {
		key, err := t.ReadKey()
		if err != nil {
			return "", err
		}
		done, err := l.press(key)
		if err != nil {
			return "", err
		}
		if done {
			e.remember(string(l.text))
			return string(l.text), nil
		}
	}
}

// History is the lines read so far, oldest first.
func (e *Editor) History() []string { return e.history }

func (e *Editor) remember(text string) {
	if text != "" && (len(e.history) == 0 || e.history[len(e.history)-1] != text) {
		e.history = append(e.history, text)
	}
}

// press does what key asks for; true when the line is complete.
func (l *line) press(key terminal.Key) (done bool, err error) {
	if key != '\t' {
		l.tabs = 0
	}
	switch key {
	case '\r', '\n':
		l.finish("")
		return true, nil
	case terminal.Ctrl('C'):
		l.finish("^C")
		return false, ErrInterrupted
	case terminal.Ctrl('D'):
		if len(l.text) == 0 {
			l.finish("")
			return false, io.EOF
		}
		l.remove(l.cursor, l.cursor+1)
	case '\t':
		l.complete()
	case terminal.Ctrl('R'):
		return l.search()
	case terminal.Escape:
		return false, l.alt()
	default:
		l.edit(key)
	}
	l.draw()
	return false, nil
}

// alt is Escape and the key that follows it: Alt+B, Alt+F, Alt+D.
func (l *line) alt() error {
	key, err := l.term.ReadKey()
	if err != nil {
		return err
	}
	switch key {
	case 'b':
		l.cursor = l.wordLeft()
	case 'f':
		l.cursor = l.wordRight()
	case 'd':
		l.cut(l.cursor, l.wordRight())
	}
	l.draw()
	return nil
}
