package course

import (
	"fmt"
	"slices"
	"time"

	"drydock/checks"
	"drydock/lessons/pack"
)

// The questions beside the goals: their ids cannot be those of goals.
const stuckID = "/stuck"

func hintID(step string, place int) string { return fmt.Sprintf("/hint/%s/%d", step, place) }

// ask makes the questions of a lesson for the engine. Goals that need others come before them: when one change answers
// both, the answer of the goal that was blocked is known to be as new as the one that frees it. "web is gone" would
// otherwise be believed from the time before there was a web.
func (a *attempt) ask() ([]checks.Question, error) {
	var out []checks.Question
	l := a.lesson
	ask := func(id string, s checks.Spec, settle checks.Settle) error {
		c, err := checks.Compile(s)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		out = append(out, checks.Question{ID: id, Check: c, Settle: settle})
		return nil
	}
	for _, g := range needyFirst(l) {
		if err := ask(g.ID, g.Check, g.Settle); err != nil {
			return nil, err
		}
		out[len(out)-1].Idle = func() bool { return a.settled(g) }
		out[len(out)-1].Step = func() time.Time { return a.stepOpened(g.ID) }
	}
	if l.Stuck != nil {
		if err := ask(stuckID, l.Stuck.Check, checks.Settle{}); err != nil {
			return nil, err
		}
	}
	for _, s := range l.Steps {
		for i, h := range s.Hints {
			if h.When == nil {
				continue
			}
			if err := ask(hintID(s.ID, i+1), *h.When, checks.Settle{}); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// stepOpened is when the step of a goal opened: when the last goal that must be reached before it was, or when the world
// stood. Zero while it is closed.
func (a *attempt) stepOpened(goal string) time.Time {
	a.course.mu.Lock()
	defer a.course.mu.Unlock()
	opened := a.marker.beginning().Time
	for _, step := range a.lesson.Steps {
		if slices.Contains(step.Goals, goal) {
			return opened
		}
		for _, id := range step.Goals {
			if a.lesson.Goal(id).Kind != pack.Do {
				continue
			}
			if !a.passed[id] {
				return time.Time{}
			}
			if t := a.opened[id]; t.After(opened) {
				opened = t
			}
		}
	}
	return opened
}

// settled reports whether the answer to a goal makes no difference at present: it was reached, or is blocked.
func (a *attempt) settled(g *pack.Goal) bool {
	a.course.mu.Lock()
	defer a.course.mu.Unlock()
	return g.Kind != pack.Guard && a.passed[g.ID] || a.openNeedLocked(g) != nil
}

// needyFirst orders goals so that each comes before those it needs.
func needyFirst(l *pack.Lesson) []*pack.Goal {
	var out []*pack.Goal
	seen := map[string]bool{}
	var visit func(g *pack.Goal)
	visit = func(g *pack.Goal) {
		if g == nil || seen[g.ID] {
			return
		}
		seen[g.ID] = true
		for _, need := range g.Needs {
			visit(l.Goal(need))
		}
		out = append(out, g)
	}
	for i := range l.Goals {
		visit(&l.Goals[i])
	}
	slices.Reverse(out)
	return out
}
