package vi

import (
	"slices"

	"drydock/cmd/userland/terminal"
)

// startInsert places the cursor as i, a, I, A, o, O and R want it, and inserts.
func (e *editor) startInsert(key terminal.Key) error {
	e.remember()
	switch key {
	case 'a':
		e.col = min(e.col+1, len(e.line()))
	case 'I':
		e.col = indent(e.line())
		if len(e.line()) == 0 || e.line()[e.col] == ' ' {
			e.col = len(e.line())
		}
	case 'A':
		e.col = len(e.line())
	case 'o':
		e.insertLines(e.row+1, nil)
		e.row, e.col = e.row+1, 0
	case 'O':
		e.insertLines(e.row, nil)
		e.col = 0
	case 'R':
		return e.typing(true)
	}
	return e.typing(false)
}

func (e *editor) insert() error { return e.typing(false) }

// typing is insert mode, until Escape. The change began before it: u takes all of it back.
func (e *editor) typing(over bool) error {
	e.inserted = true
	defer func() {
		e.inserted = false
		e.col = max(0, e.col-1)
		e.want = e.col
	}()
	for {
		if len(e.replay) == 0 {
			e.draw()
		}
		key, err := e.key()
		if err != nil {
			return err
		}
		switch key {
		case terminal.Escape, terminal.Ctrl('C'):
			return nil
		case terminal.Up, terminal.Down, terminal.Left, terminal.Right, terminal.Home, terminal.End:
			e.arrow(key)
		default:
			e.typed(key, over)
		}
	}
}

func (e *editor) arrow(key terminal.Key) {
	switch key {
	case terminal.Up:
		e.row--
	case terminal.Down:
		e.row++
	case terminal.Left:
		e.col--
	case terminal.Right:
		e.col++
	case terminal.Home:
		e.col = 0
	case terminal.End:
		e.col = len(e.line())
	}
	e.clamp()
}

// typed puts one key into the text.
func (e *editor) typed(key terminal.Key, over bool) {
	line := e.line()
	switch key {
	case '\r', '\n':
		tail := slices.Clone(line[e.col:])
		e.setLine(line[:e.col])
		e.insertLines(e.row+1, tail)
		e.row, e.col = e.row+1, 0
	case terminal.Backspace, terminal.Ctrl('H'):
		switch {
		case e.col > 0:
			e.setLine(line[:e.col-1], line[e.col:])
			e.col--
		case e.row > 0:
			e.row--
			e.col = len(e.line())
			e.setLine(e.line(), line)
			e.removeLines(e.row+1, e.row+2)
		}
	case terminal.Delete:
		if e.col < len(line) {
			e.setLine(line[:e.col], line[e.col+1:])
		}
	case terminal.Ctrl('W'):
		start := e.word('b', motion{row: e.row, col: e.col}).col
		e.setLine(line[:min(start, e.col)], line[e.col:])
		e.col = min(start, e.col)
	case terminal.Ctrl('U'):
		e.setLine(line[e.col:])
		e.col = 0
	default:
		if key < ' ' && key != '\t' {
			return
		}
		rest := line[e.col:]
		if over && len(rest) > 0 {
			rest = rest[1:]
		}
		e.setLine(line[:e.col], []rune{rune(key)}, rest)
		e.col++
	}
}
