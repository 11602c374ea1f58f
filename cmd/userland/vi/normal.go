package vi

import (
	"slices"
	"unicode"

	"drydock/cmd/userland/terminal"
)

// normal does one command of normal mode, with the keys that belong to it.
func (e *editor) normal(key terminal.Key) error {
	replayed := e.replayed
	if !replayed {
		e.recorded = []terminal.Key{key}
	}
	e.count = 0
	for key >= '1' && key <= '9' || key == '0' && e.count > 0 {
		e.count = min(e.count*10+int(key-'0'), 100000)
		next, err := e.key()
		if err != nil {
			return err
		}
		key = next
	}
	changes, err := e.command(key)
	if changes && !replayed {
		e.last = slices.Clone(e.recorded)
	}
	return err
}

// command tells whether it changed the text, for `.`.
func (e *editor) command(key terminal.Key) (changes bool, err error) {
	switch key {
	case 'i', 'a', 'I', 'A', 'o', 'O', 's', 'S', 'C', 'R', terminal.Delete, 'x', 'X', 'D', 'r', 'J', '~', 'p', 'P', 'd', 'c', 'y', 'Y', '>', '<':
		return key != 'y' && key != 'Y', e.change(key)
	case 'u':
		e.takeBack()
	case '.':
		e.replay = slices.Clone(e.last)
	case ':':
		return false, e.commandLine()
	case '/', '?':
		return false, e.search(key == '?')
	case 'Z':
		next, err := e.key()
		if err == nil && next == 'Z' {
			e.ex("x")
		} else if err == nil && next == 'Q' {
			e.done = true
		}
		return false, err
	case terminal.Ctrl('F'), terminal.PageDown, terminal.Ctrl('B'), terminal.PageUp, terminal.Ctrl('D'), terminal.Ctrl('U'), terminal.Ctrl('E'), terminal.Ctrl('Y'):
		e.page(key)
	case terminal.Ctrl('G'):
		e.say("%q line %d of %d", e.name, e.row+1, len(e.lines))
	case terminal.Escape, terminal.Ctrl('L'), terminal.Ctrl('C'):
	default:
		return false, e.travel(key)
	}
	return false, nil
}

// travel moves the cursor.
func (e *editor) travel(key terminal.Key) error {
	m, err := e.move(key, e.count)
	if err != nil || !m.ok {
		return err
	}
	switch {
	case m.row != e.row && m.linewise && (key == 'G' || key == 'g'):
		e.row, e.col = m.row, indent(e.lines[m.row])
	case m.linewise:
		e.row, e.col = m.row, e.want
		return nil
	default:
		e.row, e.col = m.row, m.col
	}
	e.want = e.col
	if key == '$' || key == terminal.End {
		e.want = 1 << 30
	}
	return nil
}

func (e *editor) page(key terminal.Key) {
	_, rows := e.term.Size()
	step := map[terminal.Key]int{
		terminal.Ctrl('F'): rows - 3, terminal.PageDown: rows - 3, terminal.Ctrl('B'): 3 - rows, terminal.PageUp: 3 - rows,
		terminal.Ctrl('D'): rows / 2, terminal.Ctrl('U'): -rows / 2, terminal.Ctrl('E'): 1, terminal.Ctrl('Y'): -1,
	}[key]
	e.top = max(0, min(e.top+step, len(e.lines)-1))
	e.row = max(0, min(e.row+step, len(e.lines)-1))
}

// change does the commands that change text without a motion, and hands the others to operate.
func (e *editor) change(key terminal.Key) error {
	n := max(e.count, 1)
	switch key {
	case 'd', 'c', 'y', '>', '<':
		return e.operator(key)
	case 'x', terminal.Delete:
		return e.operate('d', motion{row: e.row, col: min(e.col+n, len(e.line())), ok: len(e.line()) > 0})
	case 'X':
		return e.operate('d', motion{row: e.row, col: max(e.col-n, 0), ok: e.col > 0})
	case 'D':
		return e.operate('d', motion{row: e.row, col: len(e.line()), ok: true})
	case 'C':
		return e.operate('c', motion{row: e.row, col: len(e.line()), ok: true})
	case 's':
		return e.operate('c', motion{row: e.row, col: min(e.col+n, len(e.line())), ok: true})
	case 'S':
		return e.operate('c', motion{row: e.row, linewise: true, ok: true})
	case 'Y':
		return e.operate('y', motion{row: min(e.row+n, len(e.lines)) - 1, linewise: true, ok: true})
	case 'r', '~':
		return e.replaceOne(key, n)
	case 'J':
		e.join(n)
		return nil
	case 'p', 'P':
		e.put(key == 'P', n)
		return nil
	default:
		return e.startInsert(key)
	}
}

func (e *editor) replaceOne(key terminal.Key, n int) error {
	with := key
	if key == 'r' {
		var err error
		if with, err = e.key(); err != nil || with == terminal.Escape || with < ' ' {
			return err
		}
	}
	if e.col+n > len(e.line()) {
		return nil
	}
	e.remember()
	line := slices.Clone(e.line())
	for i := e.col; i < e.col+n; i++ {
		switch r := line[i]; {
		case key == 'r':
			line[i] = rune(with)
		case unicode.IsUpper(r):
			line[i] = unicode.ToLower(r)
		default:
			line[i] = unicode.ToUpper(r)
		}
	}
	e.setLine(line)
	if key == '~' {
		e.col += n
	} else {
		e.col += n - 1
	}
	return nil
}

func (e *editor) join(n int) {
	for range max(n-1, 1) {
		if e.row == len(e.lines)-1 {
			return
		}
		e.remember()
		next := e.lines[e.row+1]
		for len(next) > 0 && (next[0] == ' ' || next[0] == '\t') {
			next = next[1:]
		}
		glue := []rune(" ")
		if len(e.line()) == 0 || len(next) == 0 {
			glue = nil
		}
		e.col = len(e.line())
		e.setLine(e.line(), glue, next)
		e.removeLines(e.row+1, e.row+2)
	}
}
