package regex_test

import (
	"testing"

	"drydock/cmd/userland/regex"
)

func TestCompile(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		extended bool
		text     string
		want     string // what matches; "-" is nothing
	}{
		{"a+", false, "aa a+", "a+"},
		{`a\+`, false, "aa", "aa"},
		{"a+", true, "aa", "aa"},
		{"*a", false, "x*a", "*a"},
		{`\(ab\)*`, false, "abab", "abab"},
		{`a\{2\}`, false, "aaa", "aa"},
		{"a{2}", false, "a{2}", "a{2}"},
		{"a|b", false, "a|b", "a|b"},
		{`a\|b`, false, "b", "b"},
		{"[[:digit:]]*$", false, "a12", "12"},
		{"[]x]", false, "]", "]"},
		{`[\n]`, false, `\`, `\`},
		{`\.`, false, "a.", "."},
		{"x^y", false, "x^y", "x^y"},
		{"^a$", false, "ba", "-"},
		{`\<b`, false, "ab b", "b"},
	} {
		e, err := regex.Compile(c.pattern, c.extended, false)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		got := "-"
		if e.MatchString(c.text) {
			got = e.FindString(c.text)
		}
		if got != c.want {
			t.Errorf("%q (extended %v) in %q matches %q, want %q", c.pattern, c.extended, c.text, got, c.want)
		}
	}
	for _, pattern := range []string{"[", `a\`, `\(`, `\(a\)\1`} {
		if _, err := regex.Compile(pattern, false, false); err == nil {
			t.Errorf("%q was accepted", pattern)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`\(a\)[[:alpha:]]*\{2\}`, true)
	f.Fuzz(func(_ *testing.T, pattern string, extended bool) {
		if e, err := regex.Compile(pattern, extended, false); err == nil {
			e.MatchString(pattern)
		}
	})
}
