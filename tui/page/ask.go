package page

import (
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/widget"
)

// Ask is a question answered by typing a line.
type Ask struct {
	look   Look
	Title  string
	Prompt string
	Foot   string
	Number bool // only what belongs to a number can be typed

	input widget.Input
}

// NewAsk returns a question; value is the answer to begin with.
func NewAsk(look Look, value string) *Ask {
	p := &Ask{look: look}
	p.input.SetValue(value)
	return p
}

// Key edits, answers or closes.
func (p *Ask) Key(k uv.Key, name string) Answer {
	switch name {
	case "enter":
		return Answer{Close: true, Chosen: "text", Text: p.input.Value()}
	case "esc", "ctrl+c":
		return Answer{Close: true}
	}
	if p.Number && k.Text != "" && !numeric(k.Text) {
		return Answer{}
	}
	p.input.Key(k, name)
	return Answer{}
}

func numeric(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && r != '.' && r != '-' && r != '+' {
			return false
		}
	}
	return true
}

// Paste adds to the answer.
func (p *Ask) Paste(s string) {
	if !p.Number || numeric(s) {
		p.input.Insert(s)
	}
}

// Draw draws the question and the answer below it.
func (p *Ask) Draw(c *widget.Canvas, area widget.Rect) *uv.Position {
	width := min(max(64, widget.Width(p.Foot)+6), area.Dx()-4)
	prompt := widget.Wrap(p.Prompt, width-4, p.look.Theme.Text)
	r := widget.Center(area, width, min(len(prompt)+4, area.Dy()-2))
	inner := c.Popup(r, p.Title, p.Foot, p.look.Theme, p.look.Glyphs)
	c.Lines(inner, prompt, 0)
	y := inner.Max.Y - 1
	x := c.Text(widget.NewRect(inner.Min.X, y, inner.Dx(), 1), p.look.Glyphs.Arrow+" ", p.look.Theme.Key)
	line, at := p.input.Line(inner.Max.X-x, p.look.Theme.Strong)
	c.Line(widget.NewRect(x, y, inner.Max.X-x, 1), line)
	return &uv.Position{X: x + at, Y: y}
}
