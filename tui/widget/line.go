// Package widget holds what fills a rectangle: text, boxes, tables, menus, and the Markdown of a lesson.
package widget

import (
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Line is one row of cells. Lines shorter than where they are drawn are filled up with blanks.
type Line = uv.Line

// Width is how many columns a text takes.
func Width(s string) int { return ansi.StringWidth(s) }

// Put appends a text to a line.
func Put(l Line, s string, st uv.Style) Line {
	for len(s) > 0 {
		cluster, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if cluster == "" {
			break
		}
		s = s[len(cluster):]
		if w == 0 || cluster[0] < 0x20 || cluster[0] == 0x7f {
			continue
		}
		l = append(l, uv.Cell{Content: cluster, Width: w, Style: st})
		for range w - 1 {
			l = append(l, uv.Cell{})
		}
	}
	return l
}

// Text is a line of one style.
func Text(s string, st uv.Style) Line { return Put(nil, s, st) }

// Pad fills a line with blanks up to a width.
func Pad(l Line, width int, st uv.Style) Line {
	blank := uv.EmptyCell
	blank.Style = st
	for len(l) < width {
		l = append(l, blank)
	}
	return l
}

// Cut shortens a line to a width and ends it with tail when something was lost.
func Cut(l Line, width int, tail string) Line {
	if len(l) <= width {
		return l
	}
	keep := max(width-Width(tail), 0)
	for keep > 0 && keep < len(l) && l[keep].Width == 0 {
		keep-- // do not leave half of a wide character
	}
	st := l[max(keep-1, 0)].Style
	out := append(Line(nil), l[:keep]...)
	return Pad(Put(out, tail, st), width, uv.Style{})[:width]
}

// Clip shortens a text to a width and ends it with tail when something was lost.
func Clip(s string, width int, tail string) string {
	if Width(s) <= width {
		return s
	}
	return ansi.Truncate(s, max(width, 0), tail)
}

// Wrap breaks a text into lines of at most width columns: at spaces, and inside a word only when it is too long.
func Wrap(s string, width int, st uv.Style) []Line {
	var out []Line
	for _, row := range WrapText(s, width) {
		out = append(out, Text(row, st))
	}
	return out
}

// WrapText is Wrap for plain text. Blanks that would begin a row are left out.
func WrapText(s string, width int) []string {
	if width < 1 {
		return nil
	}
	rows := strings.Split(ansi.Wrap(s, width, ""), "\n")
	for i, r := range rows {
		if i > 0 {
			r = strings.TrimLeft(r, " ")
		}
		rows[i] = strings.TrimRight(r, " ")
	}
	return rows
}

// Hang wraps a text after a prefix; the rows below the first are indented by the prefix' width.
func Hang(prefix Line, s string, width int, st uv.Style) []Line {
	rows := WrapText(s, max(width-len(prefix), 1))
	out := make([]Line, 0, len(rows))
	for i, r := range rows {
		head := append(Line(nil), prefix...)
		if i > 0 {
			head = Pad(nil, len(prefix), uv.Style{})
		}
		out = append(out, Put(head, r, st))
	}
	return out
}

// Indent puts a prefix before each line; rows below the first get blanks of the same width, unless every is set.
func Indent(lines []Line, prefix Line, every bool) []Line {
	out := make([]Line, len(lines))
	for i, l := range lines {
		head := append(Line(nil), prefix...)
		if i > 0 && !every {
			head = Pad(nil, len(prefix), uv.Style{})
		}
		out[i] = append(head, l...)
	}
	return out
}

// Plain is the text of a line.
func Plain(l Line) string { return l.String() }
