package widget

import (
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/theme"
)

// Rect is a rectangle on the screen.
type Rect = uv.Rectangle

// NewRect is a rectangle by its corner and size.
func NewRect(x, y, w, h int) Rect { return uv.Rect(x, y, max(w, 0), max(h, 0)) }

// Canvas is where panes and pages draw. Everything outside a rectangle or the canvas is clipped.
type Canvas struct {
	buf uv.ScreenBuffer
}

// NewCanvas returns a blank canvas.
func NewCanvas(w, h int) *Canvas {
	return &Canvas{buf: uv.NewScreenBuffer(max(w, 1), max(h, 1))}
}

// Bounds is the whole canvas.
func (c *Canvas) Bounds() Rect { return c.buf.Bounds() }

// Resize changes the size; what is on the canvas is undefined afterwards.
func (c *Canvas) Resize(w, h int) { c.buf = uv.NewScreenBuffer(max(w, 1), max(h, 1)) }

// Render is the canvas as text with escape sequences.
func (c *Canvas) Render() string { return c.buf.Render() }

// Cell is the cell at a place, or nil outside.
func (c *Canvas) Cell(x, y int) *uv.Cell { return c.buf.CellAt(x, y) }

// Set puts a cell. A wide one that does not fit into r becomes a blank.
func (c *Canvas) Set(r Rect, x, y int, cell *uv.Cell) {
	if x < r.Min.X || y < r.Min.Y || y >= r.Max.Y || x >= r.Max.X {
		return
	}
	if cell.Width > 1 && x+cell.Width > r.Max.X {
		blank := uv.EmptyCell
		blank.Style = cell.Style
		cell = &blank
	}
	c.buf.Buffer.SetCell(x, y, cell)
}

// Clear blanks a rectangle.
func (c *Canvas) Clear(r Rect) {
	r = r.Intersect(c.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.buf.Lines[y]
		mendEdges(row, r.Min.X, r.Max.X)
		for x := r.Min.X; x < r.Max.X; x++ {
			row[x] = uv.EmptyCell
		}
	}
}

// mendEdges blanks wide characters that a rectangle would cut in half.
func mendEdges(row uv.Line, from, to int) {
	if from > 0 && from < len(row) && row[from].Width == 0 {
		row[from-1] = uv.EmptyCell
	}
	if to < len(row) && row[to].Width == 0 {
		row[to] = uv.EmptyCell
	}
}

// Line draws a line at the top left of r and returns the column after it.
func (c *Canvas) Line(r Rect, l Line) int {
	x := r.Min.X
	for i := 0; i < len(l); {
		w := max(l[i].Width, 1)
		if l[i].Content != "" {
			c.Set(r, x, r.Min.Y, &l[i])
		}
		x, i = x+w, i+w
	}
	return min(x, r.Max.X)
}

// Text draws a text at the top left of r and returns the column after it.
func (c *Canvas) Text(r Rect, s string, st uv.Style) int { return c.Line(r, Text(s, st)) }

// Lines draws lines from the given one on, and returns how many fit.
func (c *Canvas) Lines(r Rect, lines []Line, from int) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y && from+n < len(lines); y++ {
		c.Line(NewRect(r.Min.X, y, r.Dx(), 1), lines[from+n])
		n++
	}
	return n
}

// Rule draws a horizontal line over the first row of r.
func (c *Canvas) Rule(r Rect, glyph string, st uv.Style) {
	cell := uv.Cell{Content: glyph, Width: 1, Style: st}
	for x := r.Min.X; x < r.Max.X; x++ {
		c.Set(r, x, r.Min.Y, &cell)
	}
}

// Column draws a vertical line down the first column of r.
func (c *Canvas) Column(r Rect, glyph string, st uv.Style) {
	cell := uv.Cell{Content: glyph, Width: 1, Style: st}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		c.Set(r, r.Min.X, y, &cell)
	}
}

// Glyph puts one character.
func (c *Canvas) Glyph(x, y int, glyph string, st uv.Style) {
	c.Set(c.Bounds(), x, y, &uv.Cell{Content: glyph, Width: 1, Style: st})
}

// Copy copies r of another canvas of the same size.
func (c *Canvas) Copy(from *Canvas, r Rect) {
	r = r.Intersect(c.Bounds()).Intersect(from.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(c.buf.Lines[y][r.Min.X:r.Max.X], from.buf.Lines[y][r.Min.X:r.Max.X])
	}
}

// Popup draws a box over the canvas: a title in its frame, lines inside, keys at its foot. It returns the inside.
func (c *Canvas) Popup(r Rect, title, foot string, th *theme.Theme, g *theme.Glyphs) Rect {
	c.Clear(r.Inset(-1).Intersect(NewRect(r.Min.X-1, r.Min.Y, r.Dx()+2, r.Dy())))
	top, bottom := NewRect(r.Min.X, r.Min.Y, r.Dx(), 1), NewRect(r.Min.X, r.Max.Y-1, r.Dx(), 1)
	c.Rule(top, g.Horizontal, th.PopupRule)
	c.Rule(bottom, g.Horizontal, th.PopupRule)
	c.Column(r, g.Vertical, th.PopupRule)
	c.Column(NewRect(r.Max.X-1, r.Min.Y, 1, r.Dy()), g.Vertical, th.PopupRule)
	c.Glyph(r.Min.X, r.Min.Y, g.TopLeft, th.PopupRule)
	c.Glyph(r.Max.X-1, r.Min.Y, g.TopRight, th.PopupRule)
	c.Glyph(r.Min.X, r.Max.Y-1, g.BottomLeft, th.PopupRule)
	c.Glyph(r.Max.X-1, r.Max.Y-1, g.BottomRight, th.PopupRule)
	inner := NewRect(r.Min.X+2, r.Min.Y, r.Dx()-4, 1)
	if title != "" {
		c.Text(inner, " "+Clip(title, inner.Dx()-2, g.Ellipsis)+" ", th.Strong)
	}
	if foot != "" {
		c.Text(NewRect(inner.Min.X, r.Max.Y-1, inner.Dx(), 1), " "+Clip(foot, inner.Dx()-2, g.Ellipsis)+" ", th.Dim)
	}
	return NewRect(r.Min.X+2, r.Min.Y+1, r.Dx()-4, r.Dy()-2)
}

// Center is a rectangle of the given size in the middle of r, made smaller when it does not fit.
func Center(r Rect, w, h int) Rect {
	w, h = min(w, r.Dx()), min(h, r.Dy())
	return NewRect(r.Min.X+(r.Dx()-w)/2, r.Min.Y+(r.Dy()-h)/2, w, h)
}
