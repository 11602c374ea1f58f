package page

import (
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/keymap"
	"drydock/tui/theme"
	"drydock/tui/widget"
)

// Menu shows, after the prefix, which keys there are. It takes no keys itself.
type Menu struct {
	look Look
}

// NewMenu returns the menu of keys.
func NewMenu(look Look) *Menu { return &Menu{look: look} }

// Draw draws the menu at the foot of area.
func (p *Menu) Draw(c *widget.Canvas, area widget.Rect) {
	all := keymap.Bindings()
	most := max(area.Dy()-2, 1) // rows there is room for
	cols := max(min(area.Dx()-6, 120)/30, (len(all)+most-1)/most, 1)
	rows := (len(all) + cols - 1) / cols
	r := widget.NewRect(area.Min.X+1, area.Max.Y-rows-2, area.Dx()-2, rows+2)
	foot := p.look.Words.Say("do.literal", keymap.PrefixName)
	inner := c.Popup(r, p.look.Words.Say("menu.title"), keymap.PrefixName+"  "+foot+"   Esc", p.look.Theme, p.look.Glyphs)
	width := inner.Dx() / cols
	for i, b := range all {
		at := widget.NewRect(inner.Min.X+i/rows*width, inner.Min.Y+i%rows, width-1, 1)
		x := c.Text(at, b.Key, p.look.Theme.Key)
		at.Min.X = max(x, at.Min.X+1) + 1
		text := p.look.Words.Say(theme.Word("do." + b.Action))
		c.Text(at, widget.Clip(text, at.Dx(), p.look.Glyphs.Ellipsis), p.look.Theme.Text)
	}
}

// Help is the text of the help page.
func Help(look Look) func(width int) []widget.Line {
	return func(width int) []widget.Line {
		w, th := look.Words, look.Theme
		out := widget.Wrap(w.Say("help.shell", keymap.PrefixName), width, th.Text)
		group := ""
		for _, b := range keymap.Bindings() {
			if b.Group != group {
				group = b.Group
				out = append(out, nil, widget.Text(w.Say(theme.Word("group."+group)), th.Heading))
			}
			key := widget.Pad(widget.Text("  "+b.Key, th.Key), 6, uv.Style{})
			out = append(out, widget.Put(key, w.Say(theme.Word("do."+b.Action)), th.Text))
		}
		keys := widget.Pad(widget.Text("  1-9", th.Key), 6, uv.Style{})
		out = append(out, widget.Put(keys, w.Say("pane.lesson")+": "+w.Say("do.code"), th.Text), nil)
		out = append(out, widget.Wrap(w.Say("help.checks"), width, th.Text)...)
		return append(out, widget.Wrap(w.Say("help.select"), width, th.Text)...)
	}
}
