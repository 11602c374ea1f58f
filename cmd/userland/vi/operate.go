package vi

import (
	"slices"
	"strings"

	"drydock/cmd/userland/terminal"
)

// operator reads the motion behind d, c, y, > or <; the same key twice means whole lines.
func (e *editor) operator(op terminal.Key) error {
	before := e.count
	e.count = 0
	key, err := e.key()
	for err == nil && (key >= '1' && key <= '9' || key == '0' && e.count > 0) {
		e.count = e.count*10 + int(key-'0')
		key, err = e.key()
	}
	if err != nil {
		return err
	}
	times := e.count
	if before > 0 {
		times = before * max(e.count, 1)
	}
	if key == op {
		return e.operate(op, motion{row: min(e.row+max(times, 1), len(e.lines)) - 1, linewise: true, ok: true})
	}
	if op == 'c' && (key == 'w' || key == 'W') && class(e.at(e.row, e.col), false) != 0 {
		key += 'e' - 'w' // cw ends with the word, not before the next
	}
	m, err := e.move(key, times)
	if err != nil {
		return err
	}
	if (key == 'w' || key == 'W') && m.row > e.row { // dw on the last word stays in the line
		m.row, m.col = e.row, len(e.line())
	}
	return e.operate(op, m)
}

// operate takes the text between the cursor and m.
func (e *editor) operate(op terminal.Key, m motion) error {
	if !m.ok {
		return nil
	}
	if op == '>' || op == '<' {
		e.shift(op, min(e.row, m.row), max(e.row, m.row))
		return nil
	}
	if m.linewise {
		return e.operateLines(op, min(e.row, m.row), max(e.row, m.row)+1)
	}
	fromRow, fromCol, toRow, toCol := e.row, e.col, m.row, m.col
	if toRow < fromRow || toRow == fromRow && toCol < fromCol {
		fromRow, fromCol, toRow, toCol = toRow, toCol, fromRow, fromCol
	} else if m.inclusive {
		toCol++
	}
	toCol = min(toCol, len(e.lines[toRow]))
	e.linewise, e.register = false, e.between(fromRow, fromCol, toRow, toCol)
	e.row, e.col = fromRow, fromCol
	if op == 'y' {
		return nil
	}
	e.remember()
	e.setLine(e.lines[fromRow][:fromCol], e.lines[toRow][toCol:])
	e.removeLines(fromRow+1, toRow+1)
	if op == 'c' {
		return e.insert()
	}
	return nil
}

func (e *editor) between(fromRow, fromCol, toRow, toCol int) []string {
	if fromRow == toRow {
		return []string{string(e.lines[fromRow][fromCol:toCol])}
	}
	text := []string{string(e.lines[fromRow][fromCol:])}
	for _, line := range e.lines[fromRow+1 : toRow] {
		text = append(text, string(line))
	}
	return append(text, string(e.lines[toRow][:toCol]))
}

func (e *editor) operateLines(op terminal.Key, from, to int) error {
	e.linewise, e.register = true, nil
	for _, line := range e.lines[from:to] {
		e.register = append(e.register, string(line))
	}
	e.row = from
	if op == 'y' {
		if to-from > 2 {
			e.say("%d lines yanked", to-from)
		}
		return nil
	}
	e.remember()
	if op == 'c' {
		e.removeLines(from+1, to)
		e.setLine()
		e.col = 0
		return e.insert()
	}
	e.removeLines(from, to)
	e.row = min(from, len(e.lines)-1)
	e.col = indent(e.line())
	if to-from > 2 {
		e.say("%d fewer lines", to-from)
	}
	return nil
}

func (e *editor) shift(op terminal.Key, from, to int) {
	e.remember()
	for i := from; i <= to; i++ {
		line := string(e.lines[i])
		if op == '>' && line != "" {
			line = "\t" + line
		} else if op == '<' {
			if rest, ok := strings.CutPrefix(line, "\t"); ok {
				line = rest
			} else {
				line = line[min(8, len(line)-len(strings.TrimLeft(line, " "))):]
			}
		}
		e.lines[i] = []rune(line)
	}
	e.row = from
}

// put puts the register behind the cursor, or before it.
func (e *editor) put(before bool, n int) {
	if len(e.register) == 0 {
		return
	}
	e.remember()
	for range n {
		if e.linewise {
			at := e.row + 1
			if before {
				at = e.row
			}
			lines := make([][]rune, len(e.register))
			for i, text := range e.register {
				lines[i] = []rune(text)
			}
			e.insertLines(at, lines...)
			e.row, e.col = at, indent(e.lines[at])
			continue
		}
		at := e.col
		if !before && len(e.line()) > 0 {
			at++
		}
		e.putText(at)
	}
}

func (e *editor) putText(at int) {
	line := e.line()
	head, tail := line[:at], line[at:]
	if len(e.register) == 1 {
		text := []rune(e.register[0])
		e.setLine(head, text, tail)
		e.col = at + max(len(text)-1, 0)
		return
	}
	lines := make([][]rune, len(e.register))
	for i, text := range e.register {
		lines[i] = []rune(text)
	}
	lines[0] = slices.Concat(head, lines[0])
	lines[len(lines)-1] = slices.Concat(lines[len(lines)-1], tail)
	e.lines[e.row] = lines[0]
	e.insertLines(e.row+1, lines[1:]...)
	e.col = at
}
