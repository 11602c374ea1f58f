package term_test

import (
	"fmt"
	"strings"
	"testing"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/google/go-cmp/cmp"

	"drydock/tui/term"
)

// screen is the text of a terminal, trailing blanks cut.
func screen(t term.Terminal) []string {
	_, rows := t.Size()
	lines := make([]strings.Builder, rows)
	t.Cells(func(_, y int, c *uv.Cell) { lines[y].WriteString(c.Content) })
	out := make([]string, rows)
	for i := range lines {
		out[i] = strings.TrimRight(lines[i].String(), " ")
	}
	return out
}

func TestScreen(t *testing.T) {
	cases := []struct {
		name, in   string
		cols, rows int
		want       []string
		cursor     [2]int
	}{
		{"wide at an odd margin", "가나다라X", 7, 2, []string{"가나다", "라X"}, [2]int{3, 1}},
		{"wide fills the row", "가나다라X", 6, 2, []string{"가나다", "라X"}, [2]int{3, 1}},
		{"wide after a full row stays pending", "가나다", 6, 2, []string{"가나다", ""}, [2]int{5, 0}},
		{"wide fills the row, then CR LF", "가나다\r\nX", 6, 2, []string{"가나다", "X"}, [2]int{1, 1}},
		{"narrow fills the row, then wide", "abcdef가", 6, 2, []string{"abcdef", "가"}, [2]int{2, 1}},
		{"no wrap", "\x1b[?7labcdef가z", 6, 2, []string{"abcd z", ""}, [2]int{5, 0}},
		{"backspace from a pending wrap", "abcdef\b\bZ", 6, 2, []string{"abcZef", ""}, [2]int{4, 0}},
		{"insert mode", "abc\r\x1b[4hX가", 8, 1, []string{"X가abc"}, [2]int{3, 0}},
		{"restore cursor, SCO", "ab\x1b[scd\x1b[uX", 8, 1, []string{"abXd"}, [2]int{3, 0}},
		{"next line", "ab\x1bEcd", 8, 2, []string{"ab", "cd"}, [2]int{2, 1}},
		{"erase above keeps the rest of the row", "abc\r\ndef\x1b[2;2H\x1b[1J", 8, 2, []string{"", "  f"}, [2]int{1, 1}},
		{"erase history keeps the screen", "abc\x1b[3J", 8, 1, []string{"abc"}, [2]int{3, 0}},
		{"scroll region larger than the screen", "\x1b[1;24r\x1b[3Sx", 8, 4, []string{"x", "", "", ""}, [2]int{1, 0}},
		{"repeat", "a\x1b[3b", 8, 1, []string{"aaaa"}, [2]int{4, 0}},
		{"repeat for ever", "a\x1b[999999999b", 4, 2, []string{"aaaa", "a"}, [2]int{1, 1}},
		{"line drawing", "\x1b(0qx\x1b(Bq", 8, 1, []string{"─│q"}, [2]int{3, 0}},
		{"alternate screen", "main\x1b[?1049h\x1b[Halt\x1b[?1049lX", 8, 1, []string{"mainX"}, [2]int{5, 0}},
		{"strings are dropped", "a\x1bPq#1~~\x1b\\b\x1b]52;c;aGk=\x07c\x1b_G\x1b\\d", 8, 1, []string{"abcd"}, [2]int{4, 0}},
		{"not UTF-8", "a\xffb", 8, 1, []string{"a\uFFFDb"}, [2]int{3, 0}},
		{"combining mark", "e\u0301x", 8, 1, []string{"e\u0301x"}, [2]int{2, 0}},
		{"decomposed Hangul", "\u1112\u1161\u11abx", 8, 1, []string{"\u1112\u1161\u11abx"}, [2]int{3, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			whole := term.New(c.cols, c.rows, nil)
			fmt.Fprint(whole, c.in)
			check(t, whole, c.want, c.cursor)

			bytewise := term.New(c.cols, c.rows, nil)
			for i := range len(c.in) {
				_, _ = bytewise.Write([]byte{c.in[i]})
			}
			check(t, bytewise, c.want, c.cursor)
		})
	}
}

func check(t *testing.T, e *term.Emulator, want []string, cursor [2]int) {
	t.Helper()
	if diff := cmp.Diff(want, screen(e)); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
	if c := e.Cursor(); [2]int{c.X, c.Y} != cursor {
		t.Errorf("cursor at %d,%d, want %v", c.X, c.Y, cursor)
	}
	if e.Faults() != 0 {
		t.Errorf("the emulator started over %d times", e.Faults())
	}
}

func TestReplies(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"device attributes", "\x1b[c", "\x1b[?62;22c"},
		{"secondary", "\x1b[>c", "\x1b[>1;10;0c"},
		{"status", "\x1b[5n", "\x1b[0n"},
		{"position", "ab\x1b[6n", "\x1b[1;3R"},
		{"size", "\x1b[18t", "\x1b[8;5;20t"},
		{"mode that is set", "\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"},
		{"mode we do not have", "\x1b[?2026$p", "\x1b[?2026;0$y"},
		{"the clipboard is never told", "\x1b]52;c;?\x07", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got strings.Builder
			e := term.New(20, 5, func(b []byte) { got.Write(b) })
			fmt.Fprint(e, c.in)
			if diff := cmp.Diff(c.want, got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	e := term.New(20, 5, nil)
	fmt.Fprint(e, "\x1b]0;hi\x9b31m \x1b[31m\x07")
	fmt.Fprint(e, "\x1b]2;vi \u202eweb.yaml"+strings.Repeat("x", 200)+"\x1b\\")
	if want := "vi web.yaml" + strings.Repeat("x", 69); e.Title() != want {
		t.Errorf("title %q, want %q", e.Title(), want)
	}
}

func TestResizeKeepsThePrompt(t *testing.T) {
	e := term.New(20, 8, nil)
	for i := range 7 {
		fmt.Fprintf(e, "line %d\r\n", i)
	}
	fmt.Fprint(e, "$ kubectl")
	e.Resize(20, 4)
	check(t, e, []string{"line 4", "line 5", "line 6", "$ kubectl"}, [2]int{9, 3})
	if e.ScrollbackLen() != 4 {
		t.Errorf("history has %d lines, want 4", e.ScrollbackLen())
	}
	e.Resize(20, 6)
	fmt.Fprint(e, " get")
	check(t, e, []string{"line 4", "line 5", "line 6", "$ kubectl get", "", ""}, [2]int{13, 3})
}

func TestResizeBehindAnEditor(t *testing.T) {
	e := term.New(20, 6, nil)
	fmt.Fprint(e, "a\r\nb\r\nc\r\nd\r\n$ vi\x1b[?1049h\x1b[1;6r\x1b[6;1Hstatus")
	e.Resize(20, 3)
	fmt.Fprint(e, "\x1b[2J\x1b[1;3r\x1b[3;1H\n\nX\x1b[?1049l\r\n$ ")
	check(t, e, []string{"d", "$ vi", "$"}, [2]int{2, 2})
}

func TestHistoryIsCapped(t *testing.T) {
	e := term.New(10, 2, nil)
	for i := range 4000 {
		fmt.Fprintf(e, "%d\r\n", i)
	}
	if n := e.ScrollbackLen(); n != 2500 {
		t.Fatalf("history has %d lines, want 2500", n)
	}
	var last strings.Builder
	e.Scrollback(2499, func(_ int, c *uv.Cell) { last.WriteString(c.Content) })
	if last.String() != "3998" {
		t.Errorf("last line of the history is %q, want 3998", last.String())
	}
}

func FuzzWrite(f *testing.F) {
	for _, s := range []string{
		"가나다라마바사", "\x1b[1;24r\x1b[3S", "\x1b[?1049h\x1b[2J\x1b[?1049l", "\x1b[999999999b", "\x1b[4hé\u0301", "\x1b[?6h\x1b[5;9r\x1b[H",
		"\x1b7\x1b[99;99H\x1b8", "\x1b[\x1b]0;", "\t\t\t\x1b[9Z\x1b[5I", "\x1b[3L\x1b[2M\x1b[4P\x1b[2@", "☸\ufe0f가\u200d", "\x1bc\x1b[!p",
	} {
		f.Add([]byte(s), uint8(20), uint8(6), uint8(7))
	}
	f.Fuzz(func(t *testing.T, in []byte, cols, rows, every uint8) {
		e := term.New(int(cols%40), int(rows%12), nil)
		step := int(every%16) + 1
		for i := 0; i < len(in); i += step {
			_, _ = e.Write(in[i:min(i+step, len(in))])
			e.Resize((i*7+int(cols))%40, (i*3+int(rows))%12)
			c := e.Cursor()
			w, h := e.Size()
			if c.X < 0 || c.X >= w || c.Y < 0 || c.Y >= h {
				t.Fatalf("cursor %d,%d outside %dx%d", c.X, c.Y, w, h)
			}
		}
		width := make(map[int]int)
		e.Cells(func(_, y int, c *uv.Cell) { width[y] += c.Width })
		w, h := e.Size()
		for y := range h {
			if width[y] != w {
				t.Fatalf("row %d has cells for %d columns of %d", y, width[y], w)
			}
		}
		if e.Faults() > 0 {
			t.Fatalf("the emulator behind panicked")
		}
	})
}
