package lineedit

import (
	"fmt"
	"strings"

	"drydock/cmd/userland/terminal"
)

// draw paints prompt and line again over the last picture, and puts the cursor where it belongs.
func (l *line) draw() { l.drawAs(l.prompt) }

func (l *line) drawAs(prompt string) {
	columns, _ := l.term.Size()
	var out strings.Builder
	l.toStart(&out)
	shown := prompt + caret(l.text)
	out.WriteString(shown)
	endRow, endColumn := place(shown, columns)
	if endColumn == 0 && endRow > 0 {
		out.WriteString(" \r") // terminals wrap only with the next character
	}
	row, column := place(prompt+caret(l.text[:l.cursor]), columns)
	if endRow > row {
		fmt.Fprintf(&out, "\x1b[%dA", endRow-row)
	}
	out.WriteByte('\r')
	if column > 0 {
		fmt.Fprintf(&out, "\x1b[%dC", column)
	}
	l.row = row
	_, _ = l.Out.WriteString(out.String()) // a terminal that is gone shows in the next read
}

// toStart goes back to the first row of the picture and wipes it.
func (l *line) toStart(out *strings.Builder) {
	if l.row > 0 {
		fmt.Fprintf(out, "\x1b[%dA", l.row)
	}
	out.WriteString("\r\x1b[J")
}

// place is where the cursor stands after s on a screen that many columns wide.
func place(s string, columns int) (row, column int) {
	for _, r := range s {
		width := terminal.RuneWidth(r)
		if column+width > columns {
			row, column = row+1, 0
		}
		column += width
	}
	if column >= columns {
		row, column = row+1, 0
	}
	return row, column
}

// caret shows control characters as terminals do.
func caret(text []rune) string {
	var out strings.Builder
	for _, r := range text {
		if r < ' ' {
			out.WriteByte('^')
			r += '@'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// finish leaves the line as it is and goes below it.
func (l *line) finish(mark string) {
	l.cursor = len(l.text)
	l.draw()
	_, _ = l.Out.WriteString(mark + "\r\n") // as in drawAs
}

func (l *line) clearScreen() {
	l.row = 0
	_, _ = l.Out.WriteString("\x1b[H\x1b[2J") // as in drawAs
}
