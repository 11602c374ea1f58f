package widget

import (
	"fmt"
	"image/color"
	"strings"

	"charm.land/glamour/v2"
	gansi "charm.land/glamour/v2/ansi"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"drydock/tui/theme"
)

// prose renders paragraphs, headings and tables through Glamour, which knows emphasis, links, code spans and how to wrap.
type prose struct {
	style gansi.StyleConfig
	sized map[int]*glamour.TermRenderer // by width: they are costly to make
}

func newProse(th *theme.Theme, g *theme.Glyphs) *prose {
	return &prose{style: proseStyle(th, g), sized: map[int]*glamour.TermRenderer{}}
}

// lines renders one block of Markdown, at most width columns wide.
func (p *prose) lines(source string, width int) []Line {
	out, err := p.render(source, max(width, 4))
	if err != nil {
		return Wrap(source, width, uv.Style{}) // the words matter more than their looks
	}
	lines := Styled(strings.Trim(out, "\n"))
	for i := range lines {
		lines[i] = Cut(trimLine(lines[i]), width, "")
	}
	return lines
}

func (p *prose) render(source string, width int) (string, error) {
	r := p.sized[width]
	if r == nil {
		var err error
		if r, err = glamour.NewTermRenderer(glamour.WithStyles(p.style), glamour.WithWordWrap(width)); err != nil {
			return "", err
		}
		p.sized[width] = r
	}
	return r.Render(source)
}

// trimLine drops blanks at the end.
func trimLine(l Line) Line {
	for len(l) > 0 && (l[len(l)-1].Content == " " || l[len(l)-1].Content == "" && l[len(l)-1].Width != 0) {
		l = l[:len(l)-1]
	}
	return l
}

// proseStyle is the theme in Glamour's words.
func proseStyle(th *theme.Theme, g *theme.Glyphs) gansi.StyleConfig {
	code := primitive(th.Code)
	if th.Code.Fg == nil { // without colour a code span needs another mark
		code.Prefix, code.Suffix = "`", "`"
	}
	heading := gansi.StyleBlock{StylePrimitive: primitive(th.Heading)}
	return gansi.StyleConfig{
		H1: heading, H2: heading, H3: heading, H4: heading, H5: heading, H6: heading,
		Strong: primitive(th.Strong), Emph: primitive(th.Emph),
		Strikethrough:  gansi.StylePrimitive{CrossedOut: yes()},
		Link:           primitive(th.Link),
		LinkText:       primitive(th.Link),
		Image:          primitive(th.Link),
		ImageText:      gansi.StylePrimitive{Format: "{{.text}}"},
		Code:           gansi.StyleBlock{StylePrimitive: code},
		HorizontalRule: gansi.StylePrimitive{Format: "\n"},
		Table:          gansi.StyleTable{CenterSeparator: &g.Cross, ColumnSeparator: &g.Vertical, RowSeparator: &g.Horizontal},
	}
}

func yes() *bool {
	t := true
	return &t
}

func primitive(st uv.Style) gansi.StylePrimitive {
	var p gansi.StylePrimitive
	if st.Fg != nil {
		name := colorName(st.Fg)
		p.Color = &name
	}
	if st.Attrs&uv.AttrBold != 0 {
		p.Bold = yes()
	}
	if st.Attrs&uv.AttrItalic != 0 {
		p.Italic = yes()
	}
	if st.Underline != 0 {
		p.Underline = yes()
	}
	return p
}

// colorName is a colour as Glamour reads it: a number of the terminal's own, or hexadecimal.
func colorName(c color.Color) string {
	if b, ok := c.(ansi.BasicColor); ok {
		return fmt.Sprint(int(b))
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
