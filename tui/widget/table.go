package widget

import (
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/theme"
)

// Column is one column of a table.
type Column struct {
	Title string
	Drop  int // columns with a higher number leave first when the table is too wide; 0 never leaves
}

// Table lays out rows of cells; each row has one line per column.
func Table(cols []Column, rows [][]Line, width int, th *theme.Theme, g *theme.Glyphs) (head Line, body []Line) {
	widths := natural(cols, rows)
	keep := fit(cols, widths, width)
	head = tableRow(keep, widths, func(i int) Line { return Text(cols[i].Title, th.Dim) }, g)
	for _, r := range rows {
		body = append(body, Cut(tableRow(keep, widths, func(i int) Line { return r[i] }, g), width, g.Ellipsis))
	}
	return Cut(head, width, ""), body
}

// gap is between two columns.
const gap = 2

func natural(cols []Column, rows [][]Line) []int {
	widths := make([]int, len(cols))
	for i, c := range cols {
		widths[i] = Width(c.Title)
		for _, r := range rows {
			widths[i] = max(widths[i], len(r[i]))
		}
	}
	return widths
}

// fit chooses the columns that stay, and narrows the widest of them when even these are too many.
func fit(cols []Column, widths []int, width int) []int {
	var keep []int
	for i := range cols {
		keep = append(keep, i)
	}
	for total(keep, widths) > width {
		worst := -1
		for k, i := range keep {
			if cols[i].Drop > 0 && (worst < 0 || cols[i].Drop > cols[keep[worst]].Drop) {
				worst = k
			}
		}
		if worst < 0 {
			break
		}
		keep = append(keep[:worst:worst], keep[worst+1:]...)
	}
	for over := total(keep, widths) - width; over > 0; over-- {
		widest := keep[0]
		for _, i := range keep {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 4 {
			break
		}
		widths[widest]--
	}
	return keep
}

func total(keep, widths []int) int {
	sum := 0
	for _, i := range keep {
		sum += widths[i] + gap
	}
	return sum - gap
}

func tableRow(keep, widths []int, cell func(i int) Line, g *theme.Glyphs) Line {
	var out Line
	for n, i := range keep {
		if n > 0 {
			out = Pad(out, len(out)+gap, uv.Style{})
		}
		end := len(out) + widths[i]
		out = append(out, Cut(cell(i), widths[i], g.Ellipsis)...)
		out = Pad(out, end, uv.Style{})
	}
	return out
}
