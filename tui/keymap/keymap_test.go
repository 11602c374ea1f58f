package keymap_test

import (
	"testing"

	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/keymap"
	"drydock/tui/theme"
)

func TestName(t *testing.T) {
	cases := []struct {
		name string
		key  uv.Key
		want string
	}{
		{"letter", uv.Key{Code: 'n', Text: "n"}, "n"},
		{"capital", uv.Key{Code: 'l', ShiftedCode: 'L', Text: "L", Mod: uv.ModShift}, "L"},
		{"Korean letter", uv.Key{Code: 'ㅜ', Text: "ㅜ"}, "n"},
		{"Korean shifted letter", uv.Key{Code: 'ㄲ', Text: "ㄲ", Mod: uv.ModShift}, "R"},
		{"prefix", uv.Key{Code: 'g', Mod: uv.ModCtrl}, "ctrl+g"},
		{"prefix on a Korean layout", uv.Key{Code: 'ㅎ', Mod: uv.ModCtrl}, "ctrl+g"},
		{"the same with alternate keys", uv.Key{Code: 'ㅎ', BaseCode: 'g', Mod: uv.ModCtrl}, "ctrl+g"},
		{"enter", uv.Key{Code: uv.KeyEnter}, "enter"},
		{"escape", uv.Key{Code: uv.KeyEscape}, "esc"},
		{"space", uv.Key{Code: uv.KeySpace, Text: " "}, "space"},
		{"page down", uv.Key{Code: uv.KeyPgDown}, "pgdown"},
		{"shift tab", uv.Key{Code: uv.KeyTab, Mod: uv.ModShift}, "shift+tab"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := keymap.Name(c.key); got != c.want {
				t.Errorf("Name = %q, want %q", got, c.want)
			}
		})
	}
}

func TestBindings(t *testing.T) {
	keys, words := map[string]bool{}, theme.Catalogue()["en"]
	for _, b := range keymap.Bindings() {
		if keys[b.Key] {
			t.Errorf("the key %q is bound twice", b.Key)
		}
		keys[b.Key] = true
		if words[theme.Word("do."+b.Action)] == "" {
			t.Errorf("%q has no words", b.Action)
		}
		if words[theme.Word("group."+b.Group)] == "" {
			t.Errorf("the group %q has no words", b.Group)
		}
	}
}

func TestTwoSetCoversTheLetters(t *testing.T) {
	seen := map[rune]bool{}
	for r := rune(0x3131); r <= 0x3163; r++ {
		if l := keymap.Latin(r); l != r {
			if seen[l] {
				t.Errorf("two letters are on the key %q", l)
			}
			seen[l] = true
		}
	}
	if len(seen) != 33 {
		t.Errorf("%d letters are mapped, want 33", len(seen))
	}
}
