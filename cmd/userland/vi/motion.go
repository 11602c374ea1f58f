package vi

import (
	"unicode"

	"drydock/cmd/userland/terminal"
)

// motion is where a key leads: with an operator it says what is taken.
type motion struct {
	row, col  int
	linewise  bool
	inclusive bool // the character under the target belongs to it
	ok        bool
}

// move finds where key leads, times times over.
func (e *editor) move(key terminal.Key, times int) (motion, error) {
	m := motion{row: e.row, col: e.col, ok: true}
	n := max(times, 1)
	switch key {
	case 'h', terminal.Left, terminal.Backspace, terminal.Ctrl('H'):
		m.col = max(0, e.col-n)
	case 'l', ' ', terminal.Right:
		m.col = min(len(e.line()), e.col+n)
	case 'j', terminal.Down, terminal.Ctrl('N'), '+', '\n', '\r':
		m.row, m.linewise, m.ok = e.row+n, true, e.row+n < len(e.lines)
	case 'k', terminal.Up, terminal.Ctrl('P'), '-':
		m.row, m.linewise, m.ok = e.row-n, true, e.row-n >= 0
	case '0', terminal.Home:
		m.col = 0
	case '^':
		m.col = indent(e.line())
	case '$', terminal.End:
		m.row = min(e.row+n-1, len(e.lines)-1)
		m.col, m.inclusive = max(0, len(e.lines[m.row])-1), len(e.lines[m.row]) > 0
	case 'G':
		m.row, m.linewise = len(e.lines)-1, true
		if times > 0 {
			m.row = min(times, len(e.lines)) - 1
		}
	case 'g':
		next, err := e.key()
		if err != nil {
			return m, err
		}
		m.ok, m.linewise, m.row = next == 'g', true, min(n, len(e.lines))-1
	case 'w', 'b', 'e', 'W', 'B', 'E', terminal.WordLeft, terminal.WordRight:
		for range n {
			m = e.word(key, m)
		}
	case 'f', 't', 'F', 'T':
		return e.find(key, n)
	case '%':
		return e.match(), nil
	case '{', '}':
		m.row, m.col = e.paragraph(key == '}', n), 0
	case 'n', 'N':
		return e.again(key == 'N'), nil
	default:
		m.ok = false
	}
	return m, nil
}

func indent(line []rune) int {
	for i, r := range line {
		if r != ' ' && r != '\t' {
			return i
		}
	}
	return max(0, len(line)-1)
}

// class sorts characters into blanks, word characters and the rest; big words know only blanks.
func class(r rune, big bool) int {
	switch {
	case r == ' ' || r == '\t' || r == '\n':
		return 0
	case big || unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
		return 1
	default:
		return 2
	}
}

// at is the character at a place; the end of a line is a newline.
func (e *editor) at(row, col int) rune {
	if col < len(e.lines[row]) {
		return e.lines[row][col]
	}
	return '\n'
}

// forward and backward step over the text; false at its ends.
func (e *editor) forward(m *motion) bool {
	if m.col < len(e.lines[m.row]) {
		m.col++
		if m.col < len(e.lines[m.row]) || m.row == len(e.lines)-1 {
			return m.col < len(e.lines[m.row])
		}
		return true
	}
	if m.row == len(e.lines)-1 {
		return false
	}
	m.row, m.col = m.row+1, 0
	return true
}

func (e *editor) backward(m *motion) bool {
	if m.col > 0 {
		m.col--
		return true
	}
	if m.row == 0 {
		return false
	}
	m.row--
	m.col = len(e.lines[m.row])
	return true
}

func (e *editor) word(key terminal.Key, m motion) motion {
	big := key == 'W' || key == 'B' || key == 'E'
	kind := func() int { return class(e.at(m.row, m.col), big) }
	switch key {
	case 'w', 'W', terminal.WordRight:
		start := kind()
		for start != 0 && kind() == start && e.forward(&m) {
		}
		for kind() == 0 && e.forward(&m) {
			if m.col == 0 && len(e.lines[m.row]) == 0 {
				break // an empty line is a word
			}
		}
	case 'b', 'B', terminal.WordLeft:
		for e.backward(&m) && kind() == 0 {
		}
		start := kind()
		for m.col > 0 && class(e.at(m.row, m.col-1), big) == start {
			m.col--
		}
	default:
		m.inclusive = true
		for e.forward(&m) && kind() == 0 {
		}
		start := kind()
		for m.col+1 < len(e.lines[m.row]) && class(e.at(m.row, m.col+1), big) == start {
			m.col++
		}
	}
	return m
}

// find is f, t, F and T.
func (e *editor) find(key terminal.Key, n int) (motion, error) {
	m := motion{row: e.row, col: e.col, inclusive: key == 'f' || key == 't'}
	wanted, err := e.key()
	if err != nil {
		return m, err
	}
	step := 1
	if key == 'F' || key == 'T' {
		step = -1
	}
	line := e.line()
	for i := e.col + step; i >= 0 && i < len(line); i += step {
		if line[i] == rune(wanted) {
			if n--; n == 0 {
				m.col, m.ok = i, true
				break
			}
		}
	}
	if m.ok && (key == 't' || key == 'T') {
		m.col -= step
	}
	return m, nil
}

var brackets = map[rune]struct {
	other rune
	step  int
}{'(': {')', 1}, '[': {']', 1}, '{': {'}', 1}, ')': {'(', -1}, ']': {'[', -1}, '}': {'{', -1}}

// match is %: the other bracket.
func (e *editor) match() motion {
	m := motion{row: e.row, col: e.col, inclusive: true}
	for m.col < len(e.line()) && brackets[e.at(m.row, m.col)].step == 0 {
		m.col++
	}
	open := e.at(m.row, m.col)
	pair := brackets[open]
	depth := 0
	for pair.step != 0 {
		switch e.at(m.row, m.col) {
		case open:
			depth++
		case pair.other:
			depth--
		}
		if depth == 0 {
			m.ok = true
			return m
		}
		if pair.step > 0 && !e.forward(&m) || pair.step < 0 && !e.backward(&m) {
			break
		}
	}
	return m
}

func (e *editor) paragraph(down bool, n int) int {
	step := -1
	if down {
		step = 1
	}
	row := e.row
	for ; n > 0; n-- {
		for row += step; row > 0 && row < len(e.lines)-1 && len(e.lines[row]) > 0; row += step {
		}
	}
	return max(0, min(row, len(e.lines)-1))
}
