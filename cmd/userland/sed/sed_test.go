package sed_test

import (
	"bytes"
	"strings"
	"testing"

	"drydock/cmd/userland/sed"
)

func TestScripts(t *testing.T) {
	for _, c := range []struct {
		script, in, want string
		quiet            bool
	}{
		{"s/a/b/", "aa\n", "ba\n", false},
		{"s/a/b/g", "aa\n", "bb\n", false},
		{"s/a/b/2", "aaa\n", "aba\n", false},
		{"s/A/b/Ip", "xa\n", "xb\n", true},
		{`s/\(a*\)b/[\1]/`, "aab\n", "[aa]\n", false},
		{"s/b*/X/g", "abc\n", "XaXcX\n", false},
		{"s/.*/[&]\\&/", "x\n", "[x]&\n", false},
		{`s/\w*/\u&/`, "web\n", "Web\n", false},
		{"2,3d", "1\n2\n3\n4\n", "1\n4\n", false},
		{"/b/,/d/p", "a\nb\nc\nd\ne\n", "b\nc\nd\n", true},
		{"2!d", "1\n2\n3\n", "2\n", false},
		{"$d", "1\n2\n", "1\n", false},
		{"2,+1p", "1\n2\n3\n4\n", "2\n3\n", true},
		{"1i\\\nbefore\n$a after", "x\ny\n", "before\nx\ny\nafter\n", false},
		{"2c changed", "1\n2\n3\n", "1\nchanged\n3\n", false},
		{"/a/{s/a/b/;p}", "a\nc\n", "b\n", true},
		{"1!G;h;$!d", "1\n2\n3\n", "3\n2\n1\n", false},
		{":a;N;$!ba;s/\\n/,/g", "1\n2\n3\n", "1,2,3\n", false},
		{":a;s/^\\(x*\\)a/\\1x/;ta", "aaa\n", "xxx\n", false},
		{"2q", "1\n2\n3\n", "1\n2\n", false},
		{"n;d", "1\n2\n3\n", "1\n3\n", false},
		{"s,/,|,g # comment\n", "a/b\n", "a|b\n", false},
		{"s/x/y/", "no newline x", "no newline y", false},
		{"=", "a\n", "1\na\n", false},
	} {
		script, err := sed.Parse(c.script, false)
		if err != nil {
			t.Errorf("%q: %v", c.script, err)
			continue
		}
		var out bytes.Buffer
		if _, err := script.Run(strings.NewReader(c.in), &out, c.quiet); err != nil || out.String() != c.want {
			t.Errorf("%q on %q = %q, %v; want %q", c.script, c.in, out.String(), err, c.want)
		}
	}
}

func TestBadScripts(t *testing.T) {
	for _, text := range []string{"s/a/b", "s/a", "k", "1,p", "{p", "p}", "s/(/x/z", "y/ab/c/", "b nowhere", `s/a/\1/`, "p x", "/[/p", `s/\(a\)\1/x/`} {
		if _, err := sed.Parse(text, false); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func FuzzScript(f *testing.F) {
	for _, seed := range []string{"s/a/b/g", "/x/,$d", "1~2p", "y/a/b/", "$!N;P;D", "a\\\ntext", "s/[/]/x/w /dev/stdout"} {
		f.Add(seed, "a\nb\n")
	}
	f.Fuzz(func(t *testing.T, text, in string) {
		script, err := sed.Parse(text, false)
		if err != nil || strings.ContainsAny(text, "btTD") || len(in) > 1000 { // those may loop, and grow
			return
		}
		var once, twice bytes.Buffer
		_, err1 := script.Run(strings.NewReader(in), &once, false)
		_, err2 := script.Run(strings.NewReader(in), &twice, false)
		if (err1 == nil) != (err2 == nil) || once.String() != twice.String() {
			t.Errorf("%q on %q gave %q, then %q", text, in, once.String(), twice.String())
		}
	})
}
