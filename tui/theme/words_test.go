package theme_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"drydock/tui/theme"
)

func TestEveryLanguageSaysEverything(t *testing.T) {
	all := theme.Catalogue()
	if len(all) < 2 || len(all["en"]) == 0 {
		t.Fatalf("the catalogue holds %d languages", len(all))
	}
	keys := func(m map[theme.Word]string) []theme.Word {
		var out []theme.Word
		for k := range m {
			out = append(out, k)
		}
		slices.Sort(out)
		return out
	}
	for lang, texts := range all {
		if diff := cmp.Diff(keys(all["en"]), keys(texts)); diff != "" {
			t.Errorf("%s has other keys than en (-en +%s):\n%s", lang, lang, diff)
		}
	}
}

var verb = regexp.MustCompile(`%(\[\d+\])?[a-z]`)

func TestTextsFillInTheSameThings(t *testing.T) {
	all := theme.Catalogue()
	for lang, texts := range all {
		for word, text := range texts {
			if got, want := len(distinct(verb.FindAllString(text, -1))), len(distinct(verb.FindAllString(all["en"][word], -1))); got != want {
				t.Errorf("%s %q takes %d arguments, in English %d", lang, word, got, want)
			}
		}
	}
}

// distinct drops repeats of numbered verbs; those without a number each count.
func distinct(verbs []string) []string {
	var out []string
	for _, v := range verbs {
		if !strings.Contains(v, "[") || !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func TestNothingBreaksColumns(t *testing.T) {
	for lang, texts := range theme.Catalogue() {
		for word, text := range texts {
			if text == "" {
				t.Errorf("%s %q is empty", lang, word)
			}
			for _, r := range text {
				if r == 0xfe0f || r >= 0x1f000 || r < 0x20 {
					t.Errorf("%s %q holds %U", lang, word, r)
				}
			}
		}
	}
}

func TestGlyphs(t *testing.T) {
	plain := theme.NewGlyphs(true)
	for _, g := range []string{plain.Done, plain.Failed, plain.Horizontal, plain.Ellipsis, plain.Bullet, plain.Quote} {
		for _, r := range g {
			if r > 0x7e {
				t.Errorf("the ASCII glyph %q is not ASCII", g)
			}
		}
	}
	box := theme.NewGlyphs(false)
	for _, g := range []string{box.Waiting, box.Moving, box.Done, box.Failed, box.Blocked, box.Quote, box.Ellipsis, box.Arrow} {
		if ansi.StringWidth(g) != 1 {
			t.Errorf("the glyph %q is %d columns wide", g, ansi.StringWidth(g))
		}
	}
}

func TestNoColor(t *testing.T) {
	th := theme.New("", true)
	if th.Bad.Fg != nil || th.Good.Fg != nil || th.TitleFocus.Fg != nil {
		t.Error("a theme without colour has colours")
	}
	if th.TitleFocus == th.Title {
		t.Error("without colour the focused title looks like the others")
	}
}
