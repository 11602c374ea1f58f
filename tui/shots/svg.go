package main

import (
	"fmt"
	"html"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"drydock/tui/widget"
)

// The size of a cell, in the pixels of the picture.
const (
	cellW, cellH = 8.4, 18.0
	margin       = 12.0
	bar          = 26.0 // the window's title bar
	below        = 4.9  // from the middle of a cell down to the line that letters stand on; not all programs know dominant-baseline
)

// palette is the terminal's sixteen colours in the picture; each is 4.5:1 or better on the background.
var palette = [16]string{
	"#3b4252", "#ff7b86", "#8fd28a", "#f0c674", "#82b1ff", "#d7a6ff", "#6fd3dd", "#d8dee9",
	"#8a94a6", "#ff9aa2", "#a8e2a3", "#ffdf9a", "#a6c8ff", "#e5c6ff", "#9be7ef", "#ffffff",
}

const background, foreground = "#14181f", "#d8dee9"

// picture writes cells as an SVG, with nothing but what is on the canvas.
func picture(c *widget.Canvas, cursor *uv.Position, title string) string {
	cols, rows := c.Bounds().Dx(), c.Bounds().Dy()
	w, h := float64(cols)*cellW+2*margin, float64(rows)*cellH+2*margin+bar
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.1f %.1f" width="%.0f" height="%.0f" role="img" xml:space="preserve">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(title))
	b.WriteString(`<style>text{font:14px "JetBrains Mono","DejaVu Sans Mono","Noto Sans Mono CJK KR","NanumGothicCoding",monospace;` +
		`white-space:pre}.b{font-weight:bold}.i{font-style:italic}</style>` + "\n")
	fmt.Fprintf(&b, `<rect width="%.1f" height="%.1f" rx="8" fill="%s"/>`+"\n", w, h, background)
	for i, dot := range []string{"#ff6b6b", "#f0c674", "#8fd28a"} {
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`+"\n", margin+8+float64(i)*18, bar/2+4, dot)
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>`+"\n", w/2, bar/2+4+below, palette[8], html.EscapeString(title))
	for y := range rows {
		drawRow(&b, c, y, cols)
	}
	if cursor != nil {
		x, y := corner(cursor.X, cursor.Y)
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, cellW, cellH, foreground)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func corner(x, y int) (float64, float64) {
	return margin + float64(x)*cellW, bar + margin + float64(y)*cellH
}

// drawRow draws runs of cells of one style: first their background, then lines, then text.
func drawRow(b *strings.Builder, c *widget.Canvas, y, cols int) {
	for x := 0; x < cols; {
		first := c.Cell(x, y)
		end, wide := x+max(first.Width, 1), first.Width > 1
		text := first.Content
		for !wide && end < cols {
			next := c.Cell(end, y)
			if next.Width != 1 || !next.Style.Equal(&first.Style) || boxLine(next.Content) != boxLine(text[:min(len(text), 3)]) {
				break
			}
			text += next.Content
			end++
		}
		drawRun(b, run{x, y, end - x, text, first.Style})
		x = end
	}
}

// run is a piece of a row in one style.
type run struct {
	x, y, cols int
	text       string
	style      uv.Style
}

func drawRun(b *strings.Builder, r run) {
	x, y := corner(r.x, r.y)
	w := float64(r.cols) * cellW
	fg, bg := hex(r.style.Fg, foreground), hex(r.style.Bg, "")
	if r.style.Attrs&uv.AttrReverse != 0 {
		fg, bg = background, hex(r.style.Fg, foreground)
	}
	if bg != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, w, cellH, bg)
	}
	if strings.TrimSpace(r.text) == "" {
		return
	}
	if boxLine(r.text[:min(len(r.text), 3)]) {
		drawLines(b, r, fg)
		return
	}
	lead := len(r.text) - len(strings.TrimLeft(r.text, " "))
	text := strings.TrimSpace(r.text)
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
		x+float64(lead)*cellW, y+cellH/2+below, float64(widget.Width(text))*cellW, fg, attrs(r.style), html.EscapeString(text))
}

func attrs(st uv.Style) string {
	var class []string
	if st.Attrs&uv.AttrBold != 0 {
		class = append(class, "b")
	}
	if st.Attrs&uv.AttrItalic != 0 {
		class = append(class, "i")
	}
	out := ""
	if len(class) > 0 {
		out = ` class="` + strings.Join(class, " ") + `"`
	}
	switch {
	case st.Attrs&uv.AttrStrikethrough != 0:
		out += ` text-decoration="line-through"`
	case st.Underline != 0:
		out += ` text-decoration="underline"`
	}
	return out
}

func hex(c color.Color, none string) string {
	switch c := c.(type) {
	case nil:
		return none
	case ansi.BasicColor:
		return palette[c]
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// arms are the directions in which a box-drawing character reaches: left, right, up, down. Drawn as lines they meet
// whatever the font.
var arms = map[string][4]bool{
	"─": {true, true, false, false}, "│": {false, false, true, true},
	"┌": {false, true, false, true}, "┐": {true, false, false, true}, "└": {false, true, true, false}, "┘": {true, false, true, false},
	"┬": {true, true, false, true}, "┴": {true, true, true, false}, "├": {false, true, true, true}, "┤": {true, false, true, true},
	"┼": {true, true, true, true},
}

func boxLine(glyph string) bool {
	_, ok := arms[glyph]
	return ok
}

func drawLines(b *strings.Builder, r run, fg string) {
	var path strings.Builder
	for i, glyph := range []rune(r.text) {
		x, y := corner(r.x+i, r.y)
		cx, cy := x+cellW/2, y+cellH/2
		ends := [4][2]float64{{x, cy}, {x + cellW, cy}, {cx, y}, {cx, y + cellH}}
		for d, on := range arms[string(glyph)] {
			if on {
				fmt.Fprintf(&path, "M%.1f %.1fL%.1f %.1f", cx, cy, ends[d][0], ends[d][1])
			}
		}
	}
	fmt.Fprintf(b, `<path d="%s" stroke="%s" stroke-width="1.2" fill="none"/>`+"\n", path.String(), fg)
}
