package widget_test

import (
	"testing"

	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/theme"
	"drydock/tui/widget"
)

func TestInput(t *testing.T) {
	cases := []struct {
		name   string
		keys   []string
		value  string
		cursor int // column, in a field of six
	}{
		{"letters", []string{"a", "b"}, "ab", 2},
		{"Korean is two columns", []string{"가", "나"}, "가나", 4},
		{"backspace takes a whole cluster", []string{"a", "e\u0301", "backspace"}, "a", 1},
		{"insert in the middle", []string{"a", "c", "left", "b"}, "abc", 2},
		{"delete at the cursor", []string{"가", "나", "home", "delete"}, "나", 0},
		{"end", []string{"a", "b", "home", "end"}, "ab", 2},
		{"clear", []string{"a", "b", "ctrl+u", "c"}, "c", 1},
		{"longer than the field", []string{"가", "나", "다", "라"}, "가나다라", 4},
		{"nothing to take away", []string{"backspace", "delete", "left", "right"}, "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var in widget.Input
			for _, k := range c.keys {
				key := uv.Key{}
				if len([]rune(k)) <= 2 {
					key.Text = k
				}
				in.Key(key, k)
			}
			line, at := in.Line(6, theme.New("", true).Text)
			if in.Value() != c.value || at != c.cursor {
				t.Errorf("%q with the cursor at %d, want %q at %d", in.Value(), at, c.value, c.cursor)
			}
			if len(line) > 6 || len(line) > 0 && line[0].Width == 0 {
				t.Errorf("the field shows %d columns beginning with %q", len(line), line[0].Content)
			}
		})
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add(lesson, 40)
	f.Add("| a |\n|-|\n| 가 |\n\n1. x\n\n   ```\n   y\n   ```\n> - z", 12)
	f.Fuzz(func(t *testing.T, source string, width int) {
		width = 8 + abs(width)%100
		doc := widget.NewMarkdown(theme.New("", false), theme.NewGlyphs(false)).Render(source, width)
		for _, c := range doc.Codes {
			if c.Y < 0 || c.Y >= len(doc.Lines) {
				t.Fatalf("block %d is at line %d of %d", c.Number, c.Y, len(doc.Lines))
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -max(n, -1<<31)
	}
	return n
}
