package pack

import (
	"regexp"
	"slices"
	"strings"

	"drydock/checks"
)

// Elsewhere is where a lesson is worked through that has no lab of drydock's own: a namespace of another cluster.
type Elsewhere struct {
	Namespace string
	Images    string   // where the images are that drydock carries: "registry.example.com/course"; "" leaves their names
	Carried   []string // the names of those images
}

// In gives the lesson as For does, to be worked through elsewhere: what has no namespace is in that one, and goals that may be
// reached but need not (bonus) are left out where only a lab can tell.
func (l *Lesson) In(seed string, e Elsewhere) (*Lesson, error) {
	drawn, err := l.with(seed, e.Images)
	if err != nil || e.Namespace == "" {
		return drawn, err
	}
	out := *drawn
	out.Namespace = e.Namespace
	out.World.Until = nil
	for _, s := range drawn.World.Until {
		out.World.Until = append(out.World.Until, s.Within(e.Namespace))
	}
	out.Goals = nil
	for _, g := range drawn.Goals {
		if !g.optional() {
			g.Check = g.Check.Within(e.Namespace)
			g.Needs = drawn.certain(g.Needs)
			out.Goals = append(out.Goals, g)
		}
	}
	out.Steps = nil
	for _, s := range drawn.Steps {
		s.Goals, s.Hints = drawn.certain(s.Goals), hintsIn(s.Hints, e.Namespace)
		out.Steps = append(out.Steps, s)
	}
	if l.Stuck != nil {
		out.Stuck = &Stuck{Check: drawn.Stuck.Check.Within(e.Namespace), Message: drawn.Stuck.Message}
	}
	return &out, nil
}

func hintsIn(hints []Hint, namespace string) []Hint {
	var out []Hint
	for _, h := range hints {
		if h.When != nil {
			when := h.When.Within(namespace)
			h.When = &when
		}
		out = append(out, h)
	}
	return out
}

// optional reports whether the lesson can do without a goal that only a lab can check.
func (g *Goal) optional() bool { return g.Kind == Bonus && len(g.Check.Wants()) > 0 }

// certain leaves goals out that are optional.
func (l *Lesson) certain(goals []string) []string {
	return slices.DeleteFunc(slices.Clone(goals), func(id string) bool { return l.Goal(id).optional() })
}

// Wants says what the lesson needs of a lab of drydock's own, each thing once. What it makes and looks at beyond one namespace
// is told by the cluster, which knows its kinds. Hints that only a lab can decide on are not shown elsewhere, and need nothing.
func (l *Lesson) Wants() []checks.Text {
	var out []checks.Text
	want := func(ts ...checks.Text) {
		for _, t := range ts {
			if !slices.ContainsFunc(out, t.Equal) {
				out = append(out, t)
			}
		}
	}
	if len(l.World.Faults) > 0 {
		want(checks.Text{"en": "nodes and parts of the cluster that it may break", "ko": "고장 내도 되는 노드와 클러스터 구성 요소"})
	}
	for _, s := range l.World.Until {
		want(s.Wants()...)
	}
	for _, g := range l.Goals {
		if !g.optional() {
			want(g.Check.Wants()...)
		}
	}
	return out
}

// carried finds the names of images that begin as those of drydock do.
var carried = regexp.MustCompile(`\b` + bundled + `([a-z0-9-]+:[0-9]+)\b`)

// Uses picks the images that the lesson needs: those of its world, and those that the learner is asked to use.
func (l *Lesson) Uses(images []string) []string {
	texts := []string{strings.Join(l.World.Images, "\n")}
	for _, m := range l.World.Manifests {
		texts = append(texts, m.Content)
	}
	for _, f := range l.World.Files {
		texts = append(texts, f.Content)
	}
	for _, s := range l.Solutions {
		texts = append(texts, s.Body)
	}
	var out []string
	for _, name := range images {
		if slices.ContainsFunc(texts, func(text string) bool { return slices.Contains(carried.FindAllString(text, -1), name) }) {
			out = append(out, name)
		}
	}
	return out
}
