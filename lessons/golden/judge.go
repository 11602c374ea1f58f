package golden

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// judgeFresh: in a fresh world every `do` and bonus goal is open, every guard holds, and the score is 0.
func (b *bench) judgeFresh() []string {
	s, err := b.rest()
	if err != nil {
		return []string{fmt.Sprintf("look at the fresh world: %v", err)}
	}
	var out []string
	for _, g := range s.Goals {
		switch {
		case g.Mark == course.Unsure:
			out = append(out, fmt.Sprintf("goal %s could not be asked: %s", g.Goal.ID, g.Result.Seen.In("en")))
		case g.Goal.Kind == pack.Guard && g.Mark != course.Done:
			out = append(out, fmt.Sprintf("guard %s does not hold in a fresh world: %s", g.Goal.ID, said(g)))
		case g.Goal.Kind != pack.Guard && g.Mark == course.Done:
			out = append(out, fmt.Sprintf("goal %s is reached although nothing was done", g.Goal.ID))
		}
	}
	if s.Score != 0 {
		out = append(out, fmt.Sprintf("a fresh world scores %.4g", s.Score))
	}
	return out
}

// judgeSolution: after a solution every goal is reached and the score is full.
func (b *bench) judgeSolution() []string {
	following, stop := context.WithCancel(b.ctx)
	type followed struct {
		steps []reached
		err   error
	}
	steps := make(chan followed, 1)
	go func() {
		found, err := b.followSteps(following)
		steps <- followed{found, err}
	}()
	out := b.judgeSolved()
	stop()
	f := <-steps
	switch {
	case len(out) > 0:
		return out
	case f.err != nil:
		return []string{f.err.Error()}
	}
	return b.judgeSteps(f.steps)
}

func (b *bench) judgeSolved() []string {
	if err := b.act(); err != nil {
		return []string{err.Error()}
	}
	s, err := b.await(b.cfg.Reach, solved)
	if errors.Is(err, errUnsettled) { // what was told by then may be old: a busy machine is no mistake of the solution's
		now, asked := b.course.CheckNow(b.ctx)
		if asked != nil {
			return []string{asked.Error()}
		}
		s = now
	}
	if err == nil || solved(s) {
		return nil
	}
	var out []string
	for _, g := range s.Goals {
		if g.Mark != course.Done {
			out = append(out, fmt.Sprintf("goal %s is %s: %s", g.Goal.ID, g.Mark, said(g)))
		}
	}
	return append(out, fmt.Sprintf("the score is %.4g: %v", s.Score, err))
}

// solved reports whether every goal is reached.
func solved(s *course.State) bool {
	return s.Asked && !slices.ContainsFunc(s.Goals, func(g course.GoalState) bool { return g.Mark != course.Done })
}

// judgeMutant: a mutant fails exactly the goals that it names, with what it says they say.
func (b *bench) judgeMutant() []string {
	if err := b.act(); err != nil {
		return []string{err.Error()}
	}
	s, err := b.rest()
	if err != nil {
		return []string{fmt.Sprintf("wait for the world after %s: %v", b.script.Path, err)}
	}
	var out []string
	named := map[string]bool{}
	for _, f := range b.script.Fails {
		named[f.Goal] = true
		g := s.Goal(f.Goal)
		switch {
		case !failed(*g):
			out = append(out, fmt.Sprintf("goal %s should fail and is %s", f.Goal, g.Mark))
		case !strings.Contains(said(*g), f.Message):
			out = append(out, fmt.Sprintf("goal %s should say %q and says: %s", f.Goal, f.Message, said(*g)))
		}
	}
	for _, g := range s.Goals {
		if g.Mark != course.Done && g.Mark != course.Blocked && !named[g.Goal.ID] {
			out = append(out, fmt.Sprintf("goal %s is %s, and the mutant does not name it: %s", g.Goal.ID, g.Mark, said(g)))
		}
	}
	return out
}

// failed reports whether a goal is open and its check says so. A goal nobody touched fails too.
func failed(g course.GoalState) bool { return g.Mark == course.Failed || g.Mark == course.Waiting }

// said is everything a learner reads about an open goal, in English.
func said(g course.GoalState) string {
	var out []string
	for _, t := range []struct{ before, text string }{
		{"expected ", g.Result.Expected.In("en")}, {"seen: ", g.Result.Seen.In("en")}, {"", g.Why().In("en")},
	} {
		if t.text != "" {
			out = append(out, t.before+t.text)
		}
	}
	return strings.Join(out, "; ")
}
