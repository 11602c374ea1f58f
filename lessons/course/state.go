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
	Lesson   string
	Revision int
	Attempt  string
	Goals    []GoalState // in the order of the lesson, hidden ones included
	Open     int         // steps that may be read, from the first
	Score    float64     // of 100, bonus on top
	Done     bool        // every `do` reached and every guard whole
	Stuck    checks.Text // not empty when the world can no longer be solved
	Asked    bool        // every goal has an answer
}

// GoalState is a goal and the answer of its check.
type GoalState struct {
	Goal   *pack.Goal
	Step   string
	Mark   Mark
	Since  time.Time // of Mark
	Result checks.Result
	Fail   checks.Text // the author's message for this failure
	Given  string      // the last answer, of an answer goal
	Points float64     // earned
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

// Hint is a revealed hint.
type Hint struct {
	Level int // from 1; 0 is one computed from the state of the world
	Text  checks.Text
	// NextReveals is true when the hint after this one gives the answer away: ask what was tried first.
	NextReveals bool
}

// Plan is what building a world deletes and writes.
type Plan struct {
	Deletes []Object
	Writes  []string // files in the workspace that would be overwritten
}

// Object names a Kubernetes object.
type Object struct {
	Kind      string
	Namespace string
	Name      string
}

// String is kind/name as kubectl prints it, with the namespace when it is not the default one.
func (o Object) String() string { return o.Kind + "/" + o.Name }

// LessonInfo is a line in the list of lessons.
type LessonInfo struct {
	Lesson   *pack.Lesson
	Track    checks.Text
	Started  bool
	Finished bool     // every goal was reached once, in this revision
	Stale    bool     // finished in an older revision
	Score    int      // the best, in percent
	Needs    []string // lessons to finish before it opens; empty when it is open
}
