package page_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"drydock/tui/page"
	"drydock/tui/theme"
	"drydock/tui/widget"
)

// An answer that is cut off cannot be chosen with a good conscience.
func TestLongChoicesGoOnBelow(t *testing.T) {
	p := page.NewPick(page.Look{Theme: theme.New("", true), Glyphs: theme.NewGlyphs(true)})
	p.Digits = true
	text := strings.Repeat("many words and ", 8) + "the end"
	p.Items = []page.Item{{ID: "a", Text: "1  short"}, {ID: "b", Text: "2  " + text}}
	c := widget.NewCanvas(80, 24)
	p.Draw(c, c.Bounds())
	shown := strings.Join(strings.Fields(strings.ReplaceAll(ansi.Strip(c.Render()), "|", " ")), " ")
	for _, want := range []string{"> 1 short", "2 " + text} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, ansi.Strip(c.Render()))
		}
	}
}
