package widget

import (
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
)

// Prose is laid out here and not by Glamour: Glamour brings a syntax highlighter and an HTML sanitiser, whose package
// initialisation cost every drydock command 5 to 10 ms, and it keeps no places of blocks.

// newline is the cell of a line break the author asked for.
var newline = uv.Cell{Content: "\n"}

// inline is the text of a block in one line of cells, with its emphasis, code and links.
func (p *pass) inline(n ast.Node, st uv.Style) Line {
	var out Line
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		out = append(out, p.inlineNode(c, st)...)
	}
	return out
}

func (p *pass) inlineNode(n ast.Node, st uv.Style) Line {
	th := p.m.th
	switch n := n.(type) {
	case *ast.Text:
		return p.textNode(n, st)
	case *ast.String:
		return Text(string(n.Value), st)
	case *ast.CodeSpan:
		return p.codeSpan(n, st)
	case *ast.Emphasis:
		if n.Level >= 2 {
			return p.inline(n, over(st, th.Strong))
		}
		return p.inline(n, over(st, th.Emph))
	case *extast.Strikethrough:
		return p.inline(n, over(st, uv.Style{Attrs: uv.AttrStrikethrough}))
	case *ast.Link:
		return p.link(n, st)
	case *ast.AutoLink:
		return Text(string(n.URL(p.src)), over(st, th.Link))
	case *extast.TaskCheckBox:
		if n.IsChecked {
			return Text(p.m.g.Done+" ", over(st, th.Good))
		}
		return Text(p.m.g.Waiting+" ", st)
	case *ast.RawHTML:
		return nil // comments to authors
	}
	return p.inline(n, st)
}

// over puts a style on top of another.
func over(base, top uv.Style) uv.Style {
	if top.Fg != nil {
		base.Fg = top.Fg
	}
	if top.Underline != 0 {
		base.Underline = top.Underline
	}
	base.Attrs |= top.Attrs
	return base
}

func (p *pass) textNode(n *ast.Text, st uv.Style) Line {
	raw := n.Segment.Value(p.src)
	if !n.IsRaw() {
		raw = util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(raw)))
	}
	l := Text(string(raw), st)
	switch {
	case n.HardLineBreak():
		return append(l, newline)
	case n.SoftLineBreak():
		return Put(l, " ", st)
	}
	return l
}

// codeSpan is code inside a sentence. Without colour it needs another mark.
func (p *pass) codeSpan(n *ast.CodeSpan, st uv.Style) Line {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(p.src))
			if t.SoftLineBreak() {
				b.WriteByte(' ')
			}
		}
	}
	text := b.String()
	if p.m.th.Code.Fg == nil {
		text = "`" + text + "`"
	}
	return Text(text, over(st, p.m.th.Code))
}

// link is a link's text, and where it leads unless the text says so.
func (p *pass) link(n *ast.Link, st uv.Style) Line {
	l := p.inline(n, over(st, p.m.th.Link))
	if to := string(n.Destination); to != "" && to != Plain(l) {
		l = Put(l, " ("+to+")", over(st, p.m.th.Dim))
	}
	return l
}

// Reflow breaks a line of cells into lines of at most width columns: at blanks, and inside a word only when it is too long
// for a line.
func Reflow(l Line, width int) []Line {
	width = max(width, 2) // room for one wide character
	var out []Line
	var row Line
	for len(l) > 0 {
		if l[0].Content == "\n" {
			out, row, l = append(out, row), nil, l[1:]
			continue
		}
		blanks, word, rest := nextWord(l)
		l = rest
		if len(row) > 0 && len(row)+len(blanks)+len(word) > width {
			out, row, blanks = append(out, row), nil, nil
		}
		if len(row) > 0 {
			row = append(row, blanks[:min(len(blanks), 1)]...)
		}
		for len(word) > width {
			cut := width
			for cut > 1 && word[cut].Width == 0 {
				cut-- // not through a wide character
			}
			out, word = append(out, word[:cut:cut]), word[cut:]
		}
		row = append(row, word...)
	}
	if len(row) > 0 {
		out = append(out, row)
	}
	return out
}

// nextWord takes the blanks at the start of a line and the word after them.
func nextWord(l Line) (blanks, word, rest Line) {
	i := 0
	for i < len(l) && l[i].Content == " " {
		i++
	}
	j := i
	for j < len(l) && l[j].Content != " " && l[j].Content != "\n" {
		j++
	}
	return l[:i:i], l[i:j:j], l[j:]
}

// table lays out a table of a lesson; long cells are wrapped.
func (p *pass) table(n *extast.Table, width int) []Line {
	var rows [][]Line
	for r := n.FirstChild(); r != nil; r = r.NextSibling() {
		var row []Line
		for c := r.FirstChild(); c != nil; c = c.NextSibling() {
			st := p.m.th.Text
			if len(rows) == 0 {
				st = p.m.th.Strong
			}
			row = append(row, p.inline(c, st))
		}
		rows = append(rows, row)
	}
	widths := p.tableWidths(rows, width)
	var out []Line
	for i, row := range rows {
		out = append(out, p.tableRow(row, widths, width)...)
		if i == 0 {
			out = append(out, p.tableRule(widths, width))
		}
	}
	return out
}

// tableWidths are the columns' widths: natural ones, the widest made narrower until the row fits.
func (p *pass) tableWidths(rows [][]Line, width int) []int {
	widths := make([]int, len(rows[0]))
	sum := 3 * (len(widths) - 1)
	for i := range widths {
		for _, r := range rows {
			if i < len(r) {
				widths[i] = max(widths[i], len(r[i]), 1)
			}
		}
		sum += widths[i]
	}
	for ; sum > width; sum-- {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 4 {
			break
		}
		widths[widest]--
	}
	return widths
}

func (p *pass) tableRow(row []Line, widths []int, width int) []Line {
	cells, height := make([][]Line, len(widths)), 1
	for i := range widths {
		if i < len(row) {
			cells[i] = Reflow(row[i], widths[i])
		}
		height = max(height, len(cells[i]))
	}
	out := make([]Line, height)
	for y := range out {
		end := 0
		for i, w := range widths {
			if i > 0 {
				out[y] = Put(out[y], " "+p.m.g.Vertical+" ", p.m.th.Dim)
				end += 3
			}
			if y < len(cells[i]) {
				out[y] = append(out[y], cells[i][y]...)
			}
			end += w
			out[y] = Pad(out[y], end, uv.Style{})
		}
		out[y] = Cut(out[y], width, p.m.g.Ellipsis)
	}
	return out
}

func (p *pass) tableRule(widths []int, width int) Line {
	var parts []string
	for _, w := range widths {
		parts = append(parts, strings.Repeat(p.m.g.Horizontal, w))
	}
	sep := p.m.g.Horizontal + p.m.g.Cross + p.m.g.Horizontal
	return Cut(Text(strings.Join(parts, sep), p.m.th.Dim), width, "")
}
