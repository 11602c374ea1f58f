package page

import (
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/widget"
)

// Notes is a text in a box, with answers on keys: help, hints, "are you sure".
type Notes struct {
	noText
	look  Look
	Title string
	Foot  string
	Body  func(width int) []widget.Line // called again when the width changes
	Keys  map[string]string             // key to what it chooses; Esc and q close
	Width int                           // columns wanted; 64 when zero
	at    scroll
}

// NewNotes returns a text in a box.
func NewNotes(look Look) *Notes { return &Notes{look: look} }

// Key scrolls, chooses or closes.
func (p *Notes) Key(_ uv.Key, name string) Answer {
	if chosen, ok := p.Keys[name]; ok {
		return Answer{Chosen: chosen}
	}
	if p.at.key(name) {
		return Answer{}
	}
	switch name {
	case "esc", "q", "enter", "ctrl+c", "f1":
		return Answer{Close: true}
	}
	return Answer{}
}

// Draw draws the box.
func (p *Notes) Draw(c *widget.Canvas, area widget.Rect) *uv.Position {
	width := p.Width
	if width == 0 {
		width = 64
	}
	width = min(max(width, widget.Width(p.Foot)+6), area.Dx()-4)
	body := p.Body(width - 4)
	r := widget.Center(area, width, min(len(body)+2, area.Dy()-2))
	inner := c.Popup(r, p.Title, p.Foot, p.look.Theme, p.look.Glyphs)
	p.at.n, p.at.height = len(body), inner.Dy()
	p.at.clamp()
	c.Lines(inner, body, p.at.top)
	if p.at.top+p.at.height < p.at.n {
		c.Text(widget.NewRect(r.Max.X-4, r.Max.Y-1, 3, 1), p.look.Glyphs.More, p.look.Theme.Key)
	}
	return nil
}
