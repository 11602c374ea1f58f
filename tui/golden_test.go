package tui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/golden"

	"drydock/tui"
	"drydock/tui/tuitest"
)

// picture is the screen as two grids: what stands in each cell, and in which style.
func picture(s *tuitest.Stage) string {
	c := s.Model.Screen()
	var text, styles, legend strings.Builder
	letters := map[string]byte{"": '.'}
	for y := range c.Bounds().Dy() {
		var row strings.Builder
		for x := range c.Bounds().Dx() {
			cell := c.Cell(x, y)
			text.WriteString(cell.Content)
			key := styleName(cell)
			if _, ok := letters[key]; !ok {
				letters[key] = byte('a' + len(letters) - 1)
				fmt.Fprintf(&legend, "%c = %s\n", letters[key], key)
			}
			row.WriteByte(letters[key])
		}
		text.WriteByte('\n')
		styles.WriteString(strings.TrimRight(row.String(), ".") + "\n")
	}
	cursor := "none"
	if at := s.Model.View().Cursor; at != nil {
		cursor = fmt.Sprintf("%d,%d", at.X, at.Y)
	}
	return text.String() + "cursor " + cursor + "\n" + styles.String() + legend.String()
}

func styleName(c *uv.Cell) string {
	if c.Style.IsZero() {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(c.Style.String(), "\x1b["), "m")
}

// aligned fails when a row of the screen is not as wide as the window: then something wide was cut in half.
func aligned(t *testing.T, s *tuitest.Stage) {
	t.Helper()
	c := s.Model.Screen()
	for y := range c.Bounds().Dy() {
		width := 0
		for x := range c.Bounds().Dx() {
			if cell := c.Cell(x, y); cell.Content != "" {
				width += ansi.StringWidth(cell.Content)
			}
		}
		if width != c.Bounds().Dx() {
			t.Errorf("row %d is %d columns wide, the window %d:\n%s", y, width, c.Bounds().Dx(), s.Lines()[y])
		}
	}
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func still(lang tui.Language) func(*tui.Options, *tuitest.World) {
	return func(o *tui.Options, w *tuitest.World) {
		o.Language = lang
		w.Now = func() time.Time { return noon }
	}
}

// TestSettledView holds the whole screen, with a pod coming up, in each layout and language.
func TestSettledView(t *testing.T) {
	for _, lang := range []tui.Language{tui.English, tui.Korean} {
		for _, size := range [][2]int{{80, 24}, {100, 30}, {120, 40}, {160, 45}} {
			t.Run(fmt.Sprintf("%s/%dx%d", lang, size[0], size[1]), func(t *testing.T) {
				play(t, size[0], size[1], still(lang), func(t *testing.T, s *tuitest.Stage, w *tuitest.World) {
					s.Type("kubectl run web --image=drydock/web:1\n")
					s.Pass(tuitest.Step)
					s.Type("echo 가나다 done\n")
					s.Pass(5 * time.Second)
					w.RunPod("db", "drydock/none:1")
					s.Pass(3 * tuitest.Step)
					s.Type("kubectl get")
					aligned(t, s)
					golden.RequireEqual(t, []byte(picture(s)))
				})
			})
		}
	}
}

// TestPages holds what stands above the panes.
func TestPages(t *testing.T) {
	pages := []struct {
		name string
		keys []string
	}{
		{"menu", []string{"ctrl+g"}},
		{"help", []string{"f1"}},
		{"lessons", []string{"ctrl+g", "l"}},
		{"palette", []string{"ctrl+g", ":", "h", "i"}},
		{"hint", []string{"ctrl+g", "h", "h"}},
		{"reset", []string{"ctrl+g", "r"}},
		{"cluster", []string{"ctrl+g", "3", "right", "right"}},
		{"checks", []string{"ctrl+g", "4", "down"}},
		{"zoom", []string{"ctrl+g", "1", "z"}},
	}
	for _, lang := range []tui.Language{tui.English, tui.Korean} {
		for _, p := range pages {
			t.Run(string(lang)+"/"+p.name, func(t *testing.T) {
				play(t, 80, 24, still(lang), func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
					s.Type("kubectl run web --image=drydock/none:1\n")
					s.Pass(20 * time.Second)
					s.Press(p.keys...)
					aligned(t, s)
					golden.RequireEqual(t, []byte(picture(s)))
				})
			})
		}
	}
}

func TestWithoutColourAndGlyphs(t *testing.T) {
	play(t, 100, 30, func(o *tui.Options, w *tuitest.World) {
		still(tui.English)(o, w)
		o.ASCII, o.NoColor = true, true
	}, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
		s.Type("kubectl run web --image=drydock/none:1\n")
		s.Pass(20 * time.Second)
		for y, row := range s.Lines() {
			for _, r := range row {
				if r > 0x7e {
					t.Errorf("row %d holds %q: %s", y, r, row)
				}
			}
		}
		golden.RequireEqual(t, []byte(picture(s)))
	})
}

func TestStartPages(t *testing.T) {
	edits := map[string]func(*tui.Options, *tuitest.World){
		"starting": func(_ *tui.Options, w *tuitest.World) { w.Slow = true },
		"problem": func(_ *tui.Options, w *tuitest.World) {
			w.StartErr = &tui.Problem{
				What: "This machine cannot run a lab.", Where: "User namespaces are switched off.",
				Try: []string{"sudo sysctl kernel.unprivileged_userns_clone=1", "drydock doctor"}, Err: fmt.Errorf("unshare: operation not permitted"),
			}
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			play(t, 80, 24, edit, func(t *testing.T, s *tuitest.Stage, _ *tuitest.World) {
				aligned(t, s)
				golden.RequireEqual(t, []byte(picture(s)))
			})
		})
	}
}
