package page

import (
	"strconv"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/widget"
)

// Item is one row of a list.
type Item struct {
	ID    string
	Mark  string // one glyph before the text
	Text  string
	Right string // at the right edge
	Group string // a heading above the first item of each group
	Off   string // why it cannot be chosen, or empty
}

// Pick is a list to choose from, with a search.
type Pick struct {
	look   Look
	Title  string
	Foot   string
	None   string // said when nothing matches
	Prompt string // before the search text
	Intro  string // a question above the list
	Items  []Item
	Typing bool // letters search at once; otherwise after "/"
	Digits bool // a digit chooses; the items are numbered, and long ones go on below
	Width  int

	input widget.Input
	sel   int // in the items shown
	top   int
	rows  int
}

// NewPick returns a list.
func NewPick(look Look) *Pick { return &Pick{look: look} }

// Select puts the selection on an item.
func (p *Pick) Select(id string) {
	for i, it := range p.shown() {
		if it.ID == id {
			p.sel = i
		}
	}
}

// shown are the items that match the search.
func (p *Pick) shown() []Item {
	words := strings.Fields(strings.ToLower(p.input.Value()))
	var out []Item
next:
	for _, it := range p.Items {
		text := strings.ToLower(it.Text + " " + it.Group + " " + it.ID)
		for _, w := range words {
			if !strings.Contains(text, w) {
				continue next
			}
		}
		out = append(out, it)
	}
	return out
}

// Paste adds to the search.
func (p *Pick) Paste(s string) {
	if p.Typing {
		p.input.Insert(s)
		p.sel = 0
	}
}

// Key moves, searches, chooses or closes.
func (p *Pick) Key(k uv.Key, name string) Answer {
	if p.move(name) {
		return Answer{}
	}
	switch name {
	case "enter":
		return p.choose()
	case "esc":
		if p.input.Value() != "" {
			p.input.SetValue("")
			return Answer{}
		}
		return Answer{Close: true}
	case "ctrl+c", "f1":
		return Answer{Close: true}
	}
	if p.Typing {
		if p.input.Key(k, name) {
			p.sel = 0
		}
		return Answer{}
	}
	return p.letter(name)
}

// letter takes a key outside of the search.
func (p *Pick) letter(name string) Answer {
	switch name {
	case "/":
		p.Typing = true
	case "q":
		return Answer{Close: true}
	case "j":
		p.move("down")
	case "k":
		p.move("up")
	}
	if n, err := strconv.Atoi(name); err == nil && p.Digits && n >= 1 && n <= len(p.shown()) {
		p.sel = n - 1
	}
	return Answer{}
}

func (p *Pick) move(name string) bool {
	switch name {
	case "up", "ctrl+p":
		p.sel--
	case "down", "ctrl+n":
		p.sel++
	case "pgup":
		p.sel -= max(p.rows, 1)
	case "pgdown":
		p.sel += max(p.rows, 1)
	default:
		return false
	}
	p.sel = max(min(p.sel, len(p.shown())-1), 0)
	return true
}

func (p *Pick) choose() Answer {
	items := p.shown()
	if p.sel >= len(items) {
		return Answer{}
	}
	if items[p.sel].Off != "" {
		return Answer{} // the reason stands beside it
	}
	return Answer{Close: true, Chosen: items[p.sel].ID}
}

// Draw draws the list.
func (p *Pick) Draw(c *widget.Canvas, area widget.Rect) *uv.Position {
	width := p.Width
	if width == 0 {
		width = 64
	}
	width = min(max(width, widget.Width(p.Foot)+6), area.Dx()-4)
	intro := p.intro(width - 4)
	lines, selected := p.lines(width - 4)
	r := widget.Center(area, width, min(p.height(width-4)+len(intro)+3, area.Dy()-2))
	inner := c.Popup(r, p.Title, p.Foot, p.look.Theme, p.look.Glyphs)
	n := c.Lines(inner, intro, 0)
	cursor := p.drawInput(c, widget.NewRect(inner.Min.X, inner.Min.Y+n, inner.Dx(), 1))
	list := widget.NewRect(inner.Min.X, inner.Min.Y+n+1, inner.Dx(), inner.Dy()-n-1)
	p.rows = list.Dy()
	p.top = max(min(p.top, selected), selected-p.rows+1, 0)
	c.Lines(list, lines, p.top)
	return cursor
}

func (p *Pick) intro(width int) []widget.Line {
	if p.Intro == "" {
		return nil
	}
	return widget.Wrap(p.Intro, width, p.look.Theme.Text)
}

// height is the number of rows with no search, so that the box stays still while typing.
func (p *Pick) height(width int) int {
	all := *p
	all.input = widget.Input{}
	lines, _ := all.lines(width)
	return len(lines)
}

func (p *Pick) drawInput(c *widget.Canvas, r widget.Rect) *uv.Position {
	if !p.Typing && p.input.Value() == "" {
		return nil
	}
	x := c.Text(r, p.Prompt, p.look.Theme.Dim)
	line, at := p.input.Line(r.Max.X-x, p.look.Theme.Text)
	c.Line(widget.NewRect(x, r.Min.Y, r.Max.X-x, 1), line)
	return &uv.Position{X: x + at, Y: r.Min.Y}
}

// lines are the rows of the list, and the row of the selected item.
func (p *Pick) lines(width int) (out []widget.Line, selected int) {
	items, group := p.shown(), ""
	if len(items) == 0 {
		return widget.Wrap(p.None, width, p.look.Theme.Dim), 0
	}
	p.sel = min(p.sel, len(items)-1)
	for i, it := range items {
		if it.Group != group && it.Group != "" {
			if len(out) > 0 {
				out = append(out, nil)
			}
			out = append(out, widget.Text(it.Group, p.look.Theme.Heading))
			group = it.Group
		}
		if i == p.sel {
			selected = len(out)
		}
		if p.Digits {
			out = append(out, p.numbered(it, i == p.sel, width)...)
			continue
		}
		out = append(out, p.row(it, i == p.sel, width))
	}
	return out, selected
}

// numbered is an item that may take several rows.
func (p *Pick) numbered(it Item, selected bool, width int) []widget.Line {
	st, pointer := p.look.Theme.Text, "  "
	if selected {
		st, pointer = p.look.Theme.Selected, p.look.Glyphs.Arrow+" "
	}
	number, text, _ := strings.Cut(it.Text, "  ")
	rows := widget.Hang(widget.Text(pointer+number+"  ", st), text, width, st)
	for i, row := range rows {
		rows[i] = widget.Pad(row, width, st)
	}
	return rows
}

func (p *Pick) row(it Item, selected bool, width int) widget.Line {
	st, right := p.look.Theme.Text, p.look.Theme.Dim
	if it.Off != "" {
		st, it.Right = p.look.Theme.Dim, it.Off
	}
	pointer := "  "
	if selected {
		st, right, pointer = p.look.Theme.Selected, p.look.Theme.Selected, p.look.Glyphs.Arrow+" "
	}
	head := pointer
	if it.Mark != "" {
		head += it.Mark + " "
	}
	room := width - widget.Width(it.Right) - 1
	l := widget.Pad(widget.Cut(widget.Text(head+it.Text, st), room, p.look.Glyphs.Ellipsis), room+1, st)
	return widget.Cut(widget.Put(l, it.Right, right), width, "")
}
