package pack_test

import (
	"strings"
	"testing"

	"drydock/lessons/pack"
)

// A line that is indented wrongly is named itself, and lines that only look odd are not blamed for other mistakes.
func TestOddIndent(t *testing.T) {
	const slip = "begins in a column in which nothing above it begins"
	for name, c := range map[string]struct{ text, want string }{
		"a key too far out":        {"steps:\n  - id: a\n    goals: [a]\n   hints: [b]\n", ":4:4: not valid YAML: this line " + slip},
		"a dash too far out":       {"a:\n    - b\n  - c\n", ":3:3: not valid YAML: this line " + slip},
		"a text may lie as it may": {"a: |\n    one\n  two\nb: [\n", "not valid YAML: did not find expected"},
		"within brackets":          {"a: [b,\n    c,\n  d\ne: f\n", "not valid YAML: "},
		"another mistake":          {"a:\n  b: [1, 2\nc: d\n", "not valid YAML: "},
	} {
		fsys := files(map[string]string{"lessons/pod/lesson.yaml": c.text})
		_, err := pack.Load(fsys)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if !strings.Contains(c.want, slip) && err != nil && strings.Contains(err.Error(), slip) {
			t.Errorf("%s: blames an indentation: %v", name, err)
		}
	}
}

func FuzzOddIndent(f *testing.F) {
	f.Add("a:\n  - b: |\n      c\n   d\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = pack.Load(files(map[string]string{"lessons/pod/lesson.yaml": text})) // it may be anything, and ends
	})
}
