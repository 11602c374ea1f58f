// Package theme holds how the interface looks and what it says: colours, glyphs, and words in each language.
package theme

import (
	"image/color"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Theme is a set of styles. Colours are the terminal's own sixteen unless the theme is a named one, so that they fit light
// and dark backgrounds alike. No style says something by its colour alone.
type Theme struct {
	Text, Dim, Strong       uv.Style
	Rule, RuleFocus         uv.Style // lines between panes
	Title, TitleFocus       uv.Style
	Heading, Emph, Link     uv.Style // in lessons
	Code, CodeNumber        uv.Style
	Key                     uv.Style // names of keys
	Good, Warn, Bad, Moving uv.Style
	Selected                uv.Style
	Status, StatusStrong    uv.Style
	Popup, PopupRule        uv.Style
}

// palette is what a theme is made from.
type palette struct {
	accent, good, warn, bad, moving, code, dim color.Color
}

var palettes = map[string]palette{
	"": {
		accent: ansi.Blue, good: ansi.Green, warn: ansi.Yellow, bad: ansi.Red, moving: ansi.Cyan, code: ansi.Cyan,
		dim: ansi.BrightBlack,
	},
	// Blue and orange are told apart with every common colour blindness; 4.5:1 and better on black and on white alike is
	// not possible, so the theme is made for dark backgrounds.
	"blue-orange": {
		accent: rgb(0x7a, 0xb8, 0xff), good: rgb(0x56, 0xb4, 0xe9), warn: rgb(0xf0, 0xe4, 0x42), bad: rgb(0xff, 0x9d, 0x3a),
		moving: rgb(0xcc, 0xbb, 0xff), code: rgb(0xb8, 0xd8, 0xe8), dim: rgb(0x9a, 0x9a, 0x9a),
	},
}

func rgb(r, g, b uint8) color.Color { return color.RGBA{r, g, b, 0xff} }

// Names are the themes there are, besides the empty name.
func Names() []string { return []string{"blue-orange"} }

// New returns the theme of that name; the terminal's colours when there is none. Without colour, weight, underline and
// reverse remain.
func New(name string, noColor bool) *Theme {
	p, ok := palettes[name]
	if !ok {
		p = palettes[""]
	}
	if noColor {
		p = palette{}
	}
	fg := func(c color.Color, attrs uint8) uv.Style { return uv.Style{Fg: c, Attrs: attrs} }
	dim := fg(p.dim, 0)
	if noColor {
		dim = uv.Style{Attrs: uv.AttrFaint}
	}
	return &Theme{
		Text: uv.Style{}, Dim: dim, Strong: uv.Style{Attrs: uv.AttrBold},
		Rule: dim, RuleFocus: fg(p.accent, uv.AttrBold),
		Title: uv.Style{}, TitleFocus: fg(p.accent, uv.AttrBold|uv.AttrReverse),
		Heading: fg(p.accent, uv.AttrBold), Emph: uv.Style{Attrs: uv.AttrItalic},
		Link: uv.Style{Fg: p.accent, Underline: uv.UnderlineSingle},
		Code: fg(p.code, 0), CodeNumber: fg(p.accent, uv.AttrBold),
		Key:  fg(p.accent, uv.AttrBold),
		Good: fg(p.good, 0), Warn: fg(p.warn, 0), Bad: fg(p.bad, uv.AttrBold), Moving: fg(p.moving, 0),
		Selected: uv.Style{Attrs: uv.AttrReverse},
		Status:   dim, StatusStrong: uv.Style{Attrs: uv.AttrBold},
		Popup: uv.Style{}, PopupRule: fg(p.accent, 0),
	}
}

// Glyphs are the marks and lines. All are one column wide in every locale that counts by graphemes.
type Glyphs struct {
	Waiting, Moving, Done, Failed, Blocked, Unsure string
	Horizontal, Vertical                           string
	TopLeft, TopRight, BottomLeft, BottomRight     string
	TeeDown, TeeUp, TeeRight, TeeLeft, Cross       string
	Bullet, Arrow, Quote, Changed, More, Ellipsis  string
}

// NewGlyphs returns the marks: with box drawing, or with ASCII only.
func NewGlyphs(ascii bool) *Glyphs {
	if ascii {
		return &Glyphs{
			Waiting: "[ ]", Moving: "[~]", Done: "[x]", Failed: "[!]", Blocked: "[-]", Unsure: "[?]",
			Horizontal: "-", Vertical: "|", TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
			TeeDown: "+", TeeUp: "+", TeeRight: "+", TeeLeft: "+", Cross: "+",
			Bullet: "*", Arrow: ">", Quote: "|", Changed: "*", More: "v", Ellipsis: "...",
		}
	}
	return &Glyphs{
		Waiting: "○", Moving: "◐", Done: "✓", Failed: "✗", Blocked: "·", Unsure: "?",
		Horizontal: "─", Vertical: "│", TopLeft: "┌", TopRight: "┐", BottomLeft: "└", BottomRight: "┘",
		TeeDown: "┬", TeeUp: "┴", TeeRight: "├", TeeLeft: "┤", Cross: "┼",
		Bullet: "•", Arrow: "›", Quote: "▏", Changed: "*", More: "↓", Ellipsis: "…",
	}
}
