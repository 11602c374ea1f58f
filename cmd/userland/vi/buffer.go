package vi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// buffer is the text of one file. It always has a line.
type buffer struct {
	name    string
	lines   [][]rune
	changed bool
}

// snapshot is the text before a change, and where the cursor was. Lines are never changed in place, so they can be shared.
type snapshot struct {
	lines    [][]rune
	row, col int
	changed  bool
}

// load reads a file and returns what to tell.
func (b *buffer) load(name string) string {
	b.name, b.lines, b.changed = name, [][]rune{nil}, false
	if name == "" {
		return ""
	}
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%q [New file]", name)
	case err != nil:
		return errorText(err)
	}
	b.lines = splitLines(string(text))
	return fmt.Sprintf("%q %d lines, %d bytes", name, len(b.lines), len(text))
}

func splitLines(text string) [][]rune {
	var lines [][]rune
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, []rune(line))
	}
	return lines
}

// save writes lines from to to (exclusive) into name. The file keeps its inode: it may be a mounted one.
func (b *buffer) save(name string, from, to int) (string, error) {
	if name == "" {
		return "", errors.New("no current filename")
	}
	var out strings.Builder
	for _, line := range b.lines[from:to] {
		out.WriteString(string(line) + "\n")
	}
	if len(b.lines) == 1 && len(b.lines[0]) == 0 {
		out.Reset()
	}
	if err := os.WriteFile(name, []byte(out.String()), 0o666); err != nil {
		return "", errors.New(errorText(err))
	}
	if b.name == "" {
		b.name = name
	}
	if name == b.name {
		b.changed = false
	}
	return fmt.Sprintf("%q %d lines, %d bytes", name, to-from, out.Len()), nil
}

func errorText(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		text := at.Err.Error()
		return fmt.Sprintf("'%s' %s%s", at.Path, strings.ToUpper(text[:1]), text[1:])
	}
	return err.Error()
}

// remember keeps the text as it is now for u.
func (e *editor) remember() {
	e.undo = append(e.undo, snapshot{slices.Clone(e.lines), e.row, e.col, e.changed})
	if len(e.undo) > 500 {
		e.undo = e.undo[1:]
	}
	e.changed = true
}

func (e *editor) takeBack() {
	if len(e.undo) == 0 {
		e.say("Already at oldest change")
		return
	}
	s := e.undo[len(e.undo)-1]
	e.undo = e.undo[:len(e.undo)-1]
	e.lines, e.row, e.col, e.changed = s.lines, s.row, s.col, s.changed
}

// setLine puts a new line in the place of the current one.
func (e *editor) setLine(parts ...[]rune) { e.lines[e.row] = slices.Concat(parts...) }

// insertLines puts lines before row at.
func (e *editor) insertLines(at int, lines ...[]rune) { e.lines = slices.Insert(e.lines, at, lines...) }

// removeLines takes lines out; one empty line always stays.
func (e *editor) removeLines(from, to int) {
	e.lines = slices.Delete(slices.Clone(e.lines), from, to)
	if len(e.lines) == 0 {
		e.lines = [][]rune{nil}
	}
}
