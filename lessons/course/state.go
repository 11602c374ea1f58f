package course

import (
	"time"

	"drydock/checks"
	"drydock/lessons/pack"
)

// Mark is what stands beside a goal.
type Mark string

// The marks. Only Failed blames the learner.
const (
	Waiting  Mark = "waiting"  // nothing was done about it yet
	Progress Mark = "progress" // on its way
	Done     Mark = "done"
	Failed   Mark = "failed"
	Blocked  Mark = "blocked" // a goal it needs is open
	Unsure   Mark = "unsure"  // the check could not tell
)

// State is a picture of the current lesson.
type State struct {
	Lesson   string // "" when none is open
	Building bool   // its world is being built; there is nothing else to tell yet
	Revision int
	Attempt  string
	Goals    []GoalState // in the order of the lesson, hidden ones included
	Open     int         // steps that may be read, from the first
	Score    float64     // of 100, bonus on top, without what hints have cost
	Spent    float64     // points that hints have cost
	Done     bool        // every `do` reached and every guard whole
	Stuck    checks.Text // not empty when the world can no longer be solved
	Asked    bool        // every goal has an answer
	Trouble  error       // what was done could not be recorded
}

// GoalState is a goal and the answer of its check.
type GoalState struct {
	Goal   *pack.Goal
	Step   string
	Mark   Mark
	Since  time.Time // of Mark
	Result checks.Result
	Fail   checks.Text // the author's words for this failure
	Given  string      // the last answer, of a question to answer
	Points float64     // earned
}

// Holds reports whether the check of a goal passes now; one that was reached may hold no more.
func Holds(g GoalState) bool {
	return g.Result.Passed() && g.Result.Seen.In("en") != reachedBefore.In("en")
}

// Why is why it matters: the author's words, or else the check's.
func (g *GoalState) Why() checks.Text {
	if !g.Fail.Empty() {
		return g.Fail
	}
	return g.Result.Why
}

// Goal is the state of a goal, or nil.
func (s *State) Goal(id string) *GoalState {
	for i := range s.Goals {
		if s.Goals[i].Goal.ID == id {
			return &s.Goals[i]
		}
	}
	return nil
}

// pictureLocked draws the picture of an attempt.
func (a *attempt) pictureLocked() *State {
	s := &State{
		Lesson: a.lesson.ID, Revision: a.lesson.Revision, Attempt: a.marker.Attempt, Done: true, Asked: true, Trouble: a.trouble,
	}
	steps := map[string]string{}
	for _, step := range a.lesson.Steps {
		for _, goal := range step.Goals {
			steps[goal] = step.ID
		}
	}
	for i := range a.lesson.Goals {
		g := a.goalLocked(&a.lesson.Goals[i])
		g.Step = steps[g.Goal.ID]
		_, known := a.results[g.Goal.ID]
		s.Asked = s.Asked && (known || g.Mark == Blocked || g.Mark == Done)
		s.Score += g.Points
		if g.Goal.Kind != pack.Bonus && g.Mark != Done {
			s.Done = false
		}
		s.Goals = append(s.Goals, g)
	}
	s.Spent = a.spentLocked()
	s.Score = max(0, s.Score-s.Spent)
	s.Open = a.openStepsLocked()
	if a.lesson.Stuck != nil && a.results[stuckID].Passed() && !s.Done {
		s.Stuck = a.lesson.Stuck.Message
	}
	return s
}

// openStepsLocked counts the steps that may be read: up to the first with a goal that must still be reached.
func (a *attempt) openStepsLocked() int {
	for i, step := range a.lesson.Steps {
		for _, id := range step.Goals {
			if a.lesson.Goal(id).Kind == pack.Do && !a.passed[id] {
				return i + 1
			}
		}
	}
	return len(a.lesson.Steps)
}

func (a *attempt) goalLocked(g *pack.Goal) GoalState {
	r, known := a.results[g.ID]
	out := GoalState{Goal: g, Result: r, Given: a.answers[g.ID]}
	need := a.openNeedLocked(g)
	switch {
	case g.Kind != pack.Guard && a.passed[g.ID]:
		out.Mark = Done
		if !r.Passed() {
			out.Result = checks.Result{Outcome: checks.Pass, Expected: r.Expected, Seen: reachedBefore}
		}
		if need == nil {
			out.Points = g.Points
		}
	case need != nil:
		delete(a.first, g.ID)
		a.blocked[g.ID] = true
		out.Mark, out.Result = Blocked, checks.Result{Outcome: checks.Blocked, Seen: firstReach(need.Text)}
	case !known:
		out.Mark, out.Result = Waiting, checks.Result{Outcome: checks.Skipped}
	default:
		if _, ok := a.first[g.ID]; !ok {
			a.first[g.ID] = r
		}
		out.Mark = a.markLocked(g, r)
	}
	if out.Result.Outcome == checks.Fail {
		out.Fail = g.Message(r.Cause)
	}
	out.Since = a.sinceLocked(g.ID, out.Mark)
	return out
}

// markLocked is the mark of a goal that is neither reached nor blocked.
func (a *attempt) markLocked(g *pack.Goal, r checks.Result) Mark {
	switch {
	case r.Passed() && g.Kind == pack.Guard:
		return Done
	case r.Passed() || r.OnItsWay():
		return Progress // passed, but the answer is to be confirmed
	case r.Outcome != checks.Fail:
		return Unsure
	case r.Cause == "no-answer":
		return Waiting
	case r.Cause == "wrong-answer" || r.Cause == "not-a-number":
		return Failed
	case g.Kind != pack.Guard && a.untouchedLocked(g, r):
		return Waiting
	default:
		return Failed
	}
}

// untouchedLocked reports whether nothing was done about an open goal yet, as far as can be told. When the goal became open
// before our eyes, that is so until its answer changes. Otherwise the learner may have been at it, with another program
// or before this one was started, and only what is plainly not begun counts.
func (a *attempt) untouchedLocked(g *pack.Goal, r checks.Result) bool {
	if a.fresh || a.blocked[g.ID] {
		return r.Same(a.first[g.ID])
	}
	return r.Cause == "missing" || r.Cause == "unwanted"
}

func (a *attempt) sinceLocked(goal string, m Mark) time.Time {
	if a.marks[goal].mark != m {
		a.marks[goal] = marked{m, now()}
	}
	return a.marks[goal].since
}

// What the course itself has to say.
var reachedBefore = checks.Text{"en": "it was reached before", "ko": "이미 달성했습니다"}

func firstReach(goal checks.Text) checks.Text {
	return checks.Text{"en": "first: " + goal.In("en"), "ko": "먼저 할 일: " + goal.In("ko")}
}
