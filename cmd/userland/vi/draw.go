package vi

import (
	"fmt"
	"strings"

	"drydock/cmd/userland/terminal"
)

// draw paints the whole screen in one write.
func (e *editor) draw() {
	columns, rows := e.term.Size()
	height := max(rows-1, 1)
	e.scroll(columns, height)
	var out strings.Builder
	out.WriteString("\x1b[?25l\x1b[H")
	used, cursorRow, cursorColumn := 0, 0, 0
	for i := e.top; used < height; i++ {
		if i >= len(e.lines) {
			out.WriteString("~\x1b[K\r\n")
			used++
			continue
		}
		cells := e.cells(i, columns)
		if i == e.row {
			r, c := e.place(columns)
			cursorRow, cursorColumn = used+r, c
		}
		for _, text := range cells {
			if used == height {
				break
			}
			out.WriteString(text + "\x1b[K\r\n")
			used++
		}
	}
	out.WriteString(e.statusLine(columns) + "\x1b[K")
	fmt.Fprintf(&out, "\x1b[%d;%dH\x1b[?25h", min(cursorRow, height-1)+1, cursorColumn+1)
	_, _ = e.term.Out.WriteString(out.String()) // a terminal that is gone shows in the next read
}

func (e *editor) statusLine(columns int) string {
	text := e.message
	if text == "" {
		mode, changed := "-", ""
		if e.inserted {
			mode = "I"
		}
		if e.changed {
			changed = " [Modified]"
		}
		name := e.name
		if name == "" {
			name = "No file"
		}
		text = fmt.Sprintf("%s %s%s %d/%d %d%%", mode, name, changed, e.row+1, len(e.lines), 100*(e.row+1)/len(e.lines))
	}
	for terminal.Width(text) >= columns && text != "" {
		runes := []rune(text)
		text = string(runes[:len(runes)-1])
	}
	return text
}

// gutter is the line number, with :set number.
func (e *editor) gutter(i int) string {
	if !e.number {
		return ""
	}
	return fmt.Sprintf("%5d ", i+1)
}

// cellText is what a rune looks like that starts in column at.
func cellText(r rune, at int) string {
	switch {
	case r == '\t':
		return strings.Repeat(" ", 8-at%8)
	case r < ' ' || r == 0x7f:
		return "^" + string(r^0x40)
	default:
		return string(r)
	}
}

// cells are the screen rows of line i, wrapped; a wide character never stands across two.
func (e *editor) cells(i, columns int) []string {
	var rows []string
	var row strings.Builder
	row.WriteString(e.gutter(i))
	at, logical := terminal.Width(e.gutter(i)), 0
	for _, r := range e.lines[i] {
		text := cellText(r, logical)
		width := terminal.Width(text)
		if at+width > columns {
			rows = append(rows, row.String())
			row.Reset()
			at = 0
		}
		row.WriteString(text)
		at, logical = at+width, logical+width
	}
	return append(rows, row.String())
}

// place is where the cursor stands, counted from the first row of its line.
func (e *editor) place(columns int) (row, column int) {
	column = terminal.Width(e.gutter(e.row))
	logical := 0
	line := e.line()
	for i := 0; i <= e.col; i++ {
		width := 1
		if i < len(line) {
			width = terminal.Width(cellText(line[i], logical))
		}
		if column+width > columns {
			row, column = row+1, 0
		}
		if i == e.col {
			if i < len(line) && line[i] == '\t' && !e.inserted {
				column += width - 1 // on a tab vi shows the end of it
			}
			break
		}
		column, logical = column+width, logical+width
	}
	return row, column
}

// scroll moves the window so that the cursor's line is in it.
func (e *editor) scroll(columns, height int) {
	if e.row < e.top {
		e.top = e.row
	}
	for e.top < e.row {
		used := 0
		for i := e.top; i <= e.row; i++ {
			used += len(e.cells(i, columns))
		}
		if used <= height {
			return
		}
		e.top++
	}
}
