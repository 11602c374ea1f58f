package library_test

import (
	"strings"
	"testing"

	"drydock/lessons/library"
	"drydock/lessons/pack"
)

// Every bundled pack is right, says everything in each of its languages, and has wrong answers to hold its checks to.
func TestBundledPacks(t *testing.T) {
	if len(library.Names()) == 0 {
		t.Fatal("there is no bundled pack")
	}
	for _, name := range library.Names() {
		p, err := library.Load(name)
		if err != nil {
			t.Fatalf("%s:\n%v", name, err)
		}
		if warnings := pack.Lint(p); len(warnings) > 0 {
			t.Errorf("%s:\n%v", name, warnings)
		}
		if p.ID != name || len(p.Lessons) == 0 {
			t.Errorf("%s: the pack is %q with %d lessons", name, p.ID, len(p.Lessons))
		}
		for _, l := range p.Lessons {
			fixed := map[string]int{}
			for _, s := range l.Steps {
				for _, h := range s.Hints {
					if h.When == nil {
						fixed[s.ID]++
					}
				}
				if fixed[s.ID] != 3 {
					t.Errorf("%s, step %s: %d hints; want three levels", l.ID, s.ID, fixed[s.ID])
				}
			}
			if len(l.Solutions) < 2 {
				t.Errorf("%s has no alternative solution", l.ID)
			}
			for lang, text := range l.Prose {
				for id, step := range text.Steps {
					if step.Title == "" || !strings.Contains(step.Markdown, "\n") {
						t.Errorf("%s, %s, step %s has no title or no text", l.ID, lang, id)
					}
				}
			}
		}
	}
}
