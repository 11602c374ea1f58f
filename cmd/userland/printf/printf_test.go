package printf_test

import (
	"strings"
	"testing"

	"drydock/cmd/userland/printf"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ format, words, want string }{
		{`%s\n`, "a b", "a\nb\n"},
		{"%d", "", "0"},
		{"%5.2f|%-4s|%04d", "3.14159 x 7", " 3.14|x   |0007"},
		{"%x %o %c", "255 8 hello", "ff 10 h"},
		{"%%", "", "%"},
		{`\101\t\x41`, "", "A\tA"},
		{"%b", `a\tb\0101`, "a\tbA"},
		{`a\cb`, "", "a"},
		{"%*d", "4 7", "   7"},
		{"%d", "0x10", "16"},
		{"%d", "'A", "65"},
		{"no words\n", "x y", "no words\n"},
		{"%s %s,", "1 2 3", "1 2,3 ,"},
	} {
		got, err := printf.Format(c.format, strings.Fields(c.words))
		if err != nil || got != c.want {
			t.Errorf("printf %q %s = %q, %v; want %q", c.format, c.words, got, err, c.want)
		}
	}
	for _, format := range []string{"%", "%z", "%5"} {
		if got, err := printf.Format(format, nil); err == nil {
			t.Errorf("printf %q = %q, want an error", format, got)
		}
	}
	if got, err := printf.Format("%d", []string{"x"}); err == nil || got != "0" {
		t.Errorf("a bad number gave %q, %v", got, err)
	}
}

func FuzzFormat(f *testing.F) {
	f.Add(`%5.2f\n%b`, "1 a")
	f.Fuzz(func(_ *testing.T, format, words string) {
		_, _ = printf.Format(format, strings.Fields(words)) // must return
	})
}
