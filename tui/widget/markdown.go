package widget

import (
	"fmt"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"drydock/tui/theme"
)

// Doc is a rendered Markdown text.
type Doc struct {
	Lines []Line
	Codes []Code
}

// Code is a block of the text that can be typed into the shell.
type Code struct {
	Number int // as shown, from 1
	Text   string
	Y      int // its first line
}

// Find is the first line at or after from that holds s, whatever the case; -1 when there is none.
func (d *Doc) Find(s string, from int) int {
	s = strings.ToLower(s)
	for i := range d.Lines {
		y := (from + i) % len(d.Lines)
		if strings.Contains(strings.ToLower(Plain(d.Lines[y])), s) {
			return y
		}
	}
	return -1
}

// Code is the block of that number, or nil.
func (d *Doc) Code(number int) *Code {
	for i := range d.Codes {
		if d.Codes[i].Number == number {
			return &d.Codes[i]
		}
	}
	return nil
}

// Markdown renders lessons. It keeps what it has rendered, by text and width.
type Markdown struct {
	th    *theme.Theme
	g     *theme.Glyphs
	cache map[docKey]*Doc
}

type docKey struct {
	source string
	width  int
}

// cachedDocs bounds the cache; a lesson has a few steps and a window a few widths.
const cachedDocs = 24

// NewMarkdown returns a renderer.
func NewMarkdown(th *theme.Theme, g *theme.Glyphs) *Markdown {
	return &Markdown{th: th, g: g, cache: map[docKey]*Doc{}}
}

var parser = goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()

// Render renders a text to lines of at most width columns.
func (m *Markdown) Render(source string, width int) *Doc {
	key := docKey{source, width}
	if d, ok := m.cache[key]; ok {
		return d
	}
	if len(m.cache) >= cachedDocs {
		m.cache = map[docKey]*Doc{}
	}
	p := &pass{m: m, src: []byte(source), doc: &Doc{}}
	p.doc.Lines = p.blocks(parser.Parse(text.NewReader(p.src)), max(width, 8), 0)
	m.cache[key] = p.doc
	return p.doc
}

// pass is one rendering.
type pass struct {
	m   *Markdown
	src []byte
	doc *Doc
}

// blocks renders the children of n, a blank line between them unless they are tight. y is the line they begin at.
func (p *pass) blocks(n ast.Node, width, y int) []Line {
	var out []Line
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		gap := 0
		if len(out) > 0 && !tight(c) {
			gap = 1
		}
		lines := p.block(c, width, y+len(out)+gap)
		if len(lines) == 0 {
			continue
		}
		if gap > 0 {
			out = append(out, nil)
		}
		out = append(out, lines...)
	}
	return out
}

// tight says whether a block follows the one before it without a blank line.
func tight(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ListItem:
		list, ok := n.Parent().(*ast.List)
		return ok && list.IsTight
	case *ast.List:
		_, inside := n.Parent().(*ast.ListItem)
		return inside && n.IsTight
	}
	return false
}

// block renders one block.
func (p *pass) block(n ast.Node, width, y int) []Line {
	switch n := n.(type) {
	case *ast.Heading:
		return Reflow(p.inline(n, p.m.th.Heading), width)
	case *ast.Paragraph, *ast.TextBlock:
		return Reflow(p.inline(n, p.m.th.Text), width)
	case *ast.FencedCodeBlock:
		return p.code(n, string(n.Language(p.src)), width, y)
	case *ast.CodeBlock:
		return p.code(n, "text", width, y)
	case *ast.List:
		return p.list(n, width, y)
	case *ast.Blockquote:
		bar := Text(p.m.g.Quote+" ", p.m.th.Dim)
		return Indent(p.blocks(n, width-len(bar), y), bar, true)
	case *ast.ThematicBreak:
		return []Line{Text(strings.Repeat(p.m.g.Horizontal, width), p.m.th.Dim)}
	case *extast.Table:
		return p.table(n, width)
	case *ast.HTMLBlock:
		return nil // comments to authors
	}
	return p.blocks(n, width, y)
}

// raw is the source of a block, its lines joined.
func (p *pass) raw(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		b.Write(seg.Value(p.src))
	}
	return strings.TrimRight(b.String(), "\n")
}

// list renders items with their rows below the first indented.
func (p *pass) list(n *ast.List, width, y int) []Line {
	var out []Line
	number := n.Start
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		mark := p.m.g.Bullet + " "
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d. ", number)
			number++
		}
		if len(out) > 0 && !n.IsTight {
			out = append(out, nil)
		}
		prefix := Text(mark, p.m.th.Dim)
		out = append(out, Indent(p.blocks(c, width-len(prefix), y+len(out)), prefix, false)...)
	}
	return out
}

// shellBlocks are the languages whose blocks a learner may want in the shell.
var shellBlocks = map[string]bool{"": true, "sh": true, "bash": true, "shell": true, "console": true, "run": true, "copy": true}

// code renders a code block; one for the shell gets a number.
func (p *pass) code(n ast.Node, lang string, width, y int) []Line {
	source := strings.TrimRight(p.raw(n), "\n")
	bar := Text(p.m.g.Quote+"   ", p.m.th.Dim)
	prefix := bar
	if shellBlocks[lang] && strings.TrimSpace(source) != "" {
		number := len(p.doc.Codes) + 1
		p.doc.Codes = append(p.doc.Codes, Code{Number: number, Text: typable(source), Y: y})
		prefix = Put(nil, fmt.Sprintf("[%d] ", number), p.m.th.CodeNumber)
		bar = Pad(nil, len(prefix), uv.Style{})
	}
	var out []Line
	for _, row := range strings.Split(strings.ReplaceAll(source, "\t", "    "), "\n") {
		for _, part := range hardWrap(row, width-len(prefix)) {
			head := append(Line(nil), bar...)
			if len(out) == 0 {
				head = append(Line(nil), prefix...)
			}
			out = append(out, Put(head, part, p.m.th.Code))
		}
	}
	return out
}

// typable is what is typed into the shell: without the prompts that some authors write.
func typable(source string) string {
	rows := strings.Split(source, "\n")
	for i, r := range rows {
		rows[i] = strings.TrimPrefix(r, "$ ")
	}
	return strings.Join(rows, "\n")
}

// hardWrap cuts a row into pieces of at most width columns, at a blank where there is one beyond the first third; the pieces
// after the first are indented by two.
func hardWrap(row string, width int) []string {
	width = max(width, 6)
	var out []string
	for indent := ""; ; indent = "  " {
		room := width - len(indent)
		if Width(row) <= room {
			return append(out, indent+row)
		}
		head := Clip(row, room, "")
		if i := strings.LastIndexByte(head, ' '); i > room/3 {
			head = head[:i+1]
		}
		out = append(out, indent+head)
		row = row[len(head):]
	}
}
