package pack

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/checks"
)

// Lint looks for what is allowed but rarely meant. It needs no lab.
func Lint(p *Pack) Problems {
	l := &linter{pack: p}
	for _, lesson := range p.Lessons {
		l.lesson(lesson)
	}
	for _, image := range p.Images {
		if !strings.HasPrefix(image, bundled) && !strings.Contains(image, "@sha256:") {
			l.problems = append(l.problems, Problem{File: "pack.yaml", Message: "image " + image + " has no digest: it cannot be brought along; write NAME@sha256:…"})
		}
	}
	l.emoji()
	l.problems.sort()
	return l.problems
}

// linter is one Lint.
type linter struct {
	pack     *Pack
	problems Problems
}

func (l *linter) warn(lesson *Lesson, format string, args ...any) {
	file := "lessons/" + lesson.ID + "/lesson.yaml"
	l.problems = append(l.problems, Problem{File: file, Message: fmt.Sprintf(format, args...)})
}

func (l *linter) lesson(lesson *Lesson) {
	l.translated(lesson, "title", lesson.Title)
	l.translated(lesson, "summary", lesson.Summary)
	for i := range lesson.Goals {
		l.goal(lesson, &lesson.Goals[i])
	}
	for _, s := range lesson.Steps {
		l.step(lesson, s)
	}
	if len(lesson.Mutants) == 0 {
		l.warn(lesson, "there is no mutant: nothing shows that a wrong answer fails")
	}
	for _, lang := range l.pack.Languages {
		if lesson.Debrief[lang] == "" {
			l.warn(lesson, "there is no debrief in %s", lang)
		}
	}
	l.prose(lesson)
	l.faults(lesson)
	l.images(lesson)
}

func (l *linter) goal(lesson *Lesson, g *Goal) {
	what := "goal " + g.ID
	l.translated(lesson, what+": text", g.Text)
	if len(g.Fail) == 0 {
		l.warn(lesson, "%s: there is no text for failing it (fail)", what)
	}
	for cause, text := range g.Fail {
		l.translated(lesson, what+": fail "+cause, text)
	}
	if g.Kind == Do && negative(g.Check) && len(g.Needs) == 0 {
		l.warn(lesson, "%s: it asks only that something is not there, which is so before anything was done; let it need a goal that was reached before", what)
	}
	walk(g.Check, func(s checks.Spec) {
		if s.Script != nil {
			l.warn(lesson, "%s: a script can be wrong in more ways than a declared check, and explains less; see whether object, probe, node, event or history will do", what)
		}
		if s.Object == nil {
			return
		}
		l.allOf(lesson, g, *s.Object)
		for _, c := range s.Object.That {
			l.condition(lesson, what, c.CEL)
		}
		l.condition(lesson, what, s.Object.Where)
	})
}

var (
	fixedIndex   = regexp.MustCompile(`\[\d+\]`)
	partialNames = regexp.MustCompile(`metadata\.name\.(contains|matches)\(`)
)

func (l *linter) condition(lesson *Lesson, what, cel string) {
	if fixedIndex.MatchString(cel) {
		l.warn(lesson, "%s: %q counts on a place in a list; use exists or all", what, cel)
	}
	if partialNames.MatchString(cel) {
		l.warn(lesson, "%s: %q takes a part of a name for the name; use labels or startsWith", what, cel)
	}
}

// allOf notices a goal that "every object" satisfies because there are few, or none at all.
func (l *linter) allOf(lesson *Lesson, g *Goal, s checks.ObjectSpec) {
	switch {
	case s.Expect != checks.ExpectAll || g.Kind != Do:
	case s.AllowEmpty && len(g.Needs) == 0:
		l.warn(lesson, "goal %s: every %s may be so because there is none (allowEmpty); let it need a goal that counts them", g.ID, s.Kind)
	case s.Name == "" && len(g.Needs) == 0 && !asks(g.Check, func(other checks.Spec) bool {
		return other.Object != nil && other.Object.Expect != checks.ExpectAll && other.Object.Expect != checks.ExpectNone
	}):
		l.warn(lesson, "goal %s: one %s is enough for \"every\"; say how many there must be: a count beside it (all: […]), or a goal that it needs", g.ID, s.Kind)
	}
}

func (l *linter) step(lesson *Lesson, s Step) {
	if len(s.Goals) > 0 && len(s.Hints) == 0 {
		l.warn(lesson, "step %s has no hints", s.ID)
	}
	for i, h := range s.Hints {
		l.translated(lesson, fmt.Sprintf("step %s: hint %d", s.ID, i+1), h.Text)
		for _, script := range lesson.Solutions {
			if shares(h.Text, script.Body) {
				l.warn(lesson, "step %s: hint %d shares 120 characters with %s", s.ID, i+1, script.Path)
			}
		}
	}
}

// shares reports whether a text has a run of 120 characters out of a script.
func shares(t checks.Text, script string) bool {
	const run = 120
	for _, s := range t {
		r := []rune(s)
		for i := 0; i+run <= len(r); i++ {
			if strings.Contains(script, string(r[i:i+run])) {
				return true
			}
		}
	}
	return false
}

func (l *linter) translated(lesson *Lesson, what string, t checks.Text) {
	if t.Empty() {
		return
	}
	for _, lang := range l.pack.Languages {
		if t[lang] == "" {
			l.warn(lesson, "%s: there is no text in %s", what, lang)
		}
	}
}

// emoji finds variation selector 16, which makes terminals disagree about the width of what is before it.
func (l *linter) emoji() {
	_ = fs.WalkDir(l.pack.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !slices.Contains([]string{".md", ".yaml"}, path.Ext(name)) {
			return nil
		}
		data, err := fs.ReadFile(l.pack.fsys, name)
		if err != nil {
			return nil // Load has read it
		}
		for i, line := range strings.Split(string(data), "\n") {
			if column := strings.IndexRune(line, '\uFE0F'); column >= 0 {
				l.problems = append(l.problems, Problem{name, i + 1, column + 1, "an emoji with U+FE0F breaks the columns of some terminals"})
			}
		}
		return nil
	})
}

// negative reports whether a check passes only because something is missing.
func negative(s checks.Spec) bool {
	switch {
	case s.Object != nil:
		return s.Object.Expect == checks.ExpectNone
	case s.History != nil:
		return s.History.Never != nil && s.History.From == nil
	case s.Event != nil:
		return s.Event.Expect == checks.ExpectNone
	case s.Actor != nil:
		return s.Actor.Expect == checks.ExpectNone
	case s.Container != nil:
		return s.Container.State == "absent"
	case s.Not != nil:
		return !negative(*s.Not)
	case len(s.All) > 0:
		return !slices.ContainsFunc(s.All, func(c checks.Spec) bool { return !negative(c) })
	case len(s.Any) > 0:
		return slices.ContainsFunc(s.Any, negative)
	default:
		return false
	}
}

// walk visits a check and every check inside it.
func walk(s checks.Spec, visit func(checks.Spec)) {
	visit(s)
	for _, inner := range slices.Concat(s.All, s.Any) {
		walk(inner, visit)
	}
	if s.Not != nil {
		walk(*s.Not, visit)
	}
}
