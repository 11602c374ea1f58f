package page

import (
	"drydock/tui/widget"
)

// Step is one step of the start, as it is shown.
type Step struct {
	Text string
	Done bool
}

// Start draws the start-up screen: the steps so far, nothing that moves by itself.
func Start(c *widget.Canvas, area widget.Rect, look Look, steps []Step) {
	th, g, w := look.Theme, look.Glyphs, look.Words
	lines := []widget.Line{widget.Text(w.Say("start.title"), th.Heading), nil}
	for _, s := range steps {
		mark, st := widget.Text(g.Moving+" ", th.Moving), th.Strong
		if s.Done {
			mark, st = widget.Text(g.Done+" ", th.Good), th.Text
		}
		lines = append(lines, widget.Put(mark, s.Text, st))
	}
	lines = append(lines, nil)
	lines = append(lines, widget.Wrap(w.Say("start.first"), min(area.Dx()-4, 60), th.Dim)...)
	lines = append(lines, nil, widget.Text(w.Say("start.quit"), th.Dim))
	c.Lines(widget.Center(area, min(area.Dx()-4, 60), len(lines)), lines, 0)
}

// Trouble is why the lab cannot start.
type Trouble struct {
	What, Where, Cause string
	Try                []string
}

// Problem draws the page of a lab that cannot start: what happened, where, what to try.
func Problem(c *widget.Canvas, area widget.Rect, look Look, t Trouble) {
	th, w := look.Theme, look.Words
	width := min(area.Dx()-4, 76)
	lines := []widget.Line{widget.Text(w.Say("error.title"), th.Bad), nil}
	lines = append(lines, widget.Wrap(t.What, width, th.Strong)...)
	if t.Where != "" {
		lines = append(lines, widget.Wrap(t.Where, width, th.Text)...)
	}
	if t.Cause != "" {
		lines = append(lines, widget.Wrap(w.Say("error.cause")+": "+t.Cause, width, th.Dim)...)
	}
	if len(t.Try) > 0 {
		lines = append(lines, nil, widget.Text(w.Say("error.try"), th.Heading))
		for _, try := range t.Try {
			lines = append(lines, widget.Hang(widget.Text(look.Glyphs.Bullet+" ", th.Dim), try, width, th.Text)...)
		}
	}
	lines = append(lines, nil, widget.Text(w.Say("error.keys"), th.Dim))
	c.Lines(widget.Center(area, width, len(lines)), lines, 0)
}
