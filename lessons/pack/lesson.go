package pack

import (
	"time"

	"drydock/checks"
)

// Lesson is one lesson as its files declare it.
type Lesson struct {
	ID       string
	Revision int
	Title    checks.Text
	Summary  checks.Text
	Concepts []string
	Needs    []string // ids of lessons
	Minutes  int
	Level    string

	Params map[string]Generator
	World  World
	Steps  []Step
	Goals  []Goal
	Stuck  *Stuck

	Prose     Prose
	Debrief   checks.Text
	Solutions []Script
	Mutants   []Script

	// Namespace is where it is worked through; "" is the default one. See Elsewhere.
	Namespace string

	// set once by the loader
	packID string
	pack   *Pack
}

// World is what a lesson starts from.
type World struct {
	Nodes     int // 0 leaves it to the lab
	Limits    Limits
	Images    []string
	Manifests []Manifest
	Files     []File
	Until     []checks.Spec // what must hold before the lesson begins
	Faults    []Fault       // what is broken then
}

// Manifest is a file of Kubernetes objects.
type Manifest struct {
	Path    string // within the lesson
	Content string
}

// File is a file in the learner's workspace.
type File struct {
	Path    string // below the workspace
	Content string
	Mode    uint32
}

// Step is one task on the screen.
type Step struct {
	ID    string   `yaml:"id"`
	Goals []string `yaml:"goals"`
	Hints []Hint   `yaml:"hints"`
}

// Hint helps with a step. In a pack it is a text, or a map with When, and is then shown only while that check passes.
type Hint struct {
	Text checks.Text  `yaml:"text"`
	When *checks.Spec `yaml:"when"`
	Cost float64      `yaml:"cost"` // points of 100 that looking at it takes away
}

// GoalKind says what a goal asks of the learner.
type GoalKind string

// The kinds of goals.
const (
	Do    GoalKind = "do"    // must be reached
	Guard GoalKind = "guard" // holds already and must not be broken
	Bonus GoalKind = "bonus" // may be reached
)

// Goal is one thing the learner is to reach.
type Goal struct {
	ID     string
	Text   checks.Text
	Kind   GoalKind
	Points float64  // after sharing what was left open
	Needs  []string // ids of goals
	Hidden bool
	Check  checks.Spec
	Settle checks.Settle
	Fail   map[string]checks.Text // the author's words by cause; "*" for every other cause
}

// Message is what the author says about a failure with this cause, or nothing.
func (g *Goal) Message(cause string) checks.Text {
	if t, ok := g.Fail[cause]; ok {
		return t
	}
	return g.Fail["*"]
}

// Stuck is how to notice that the world can no longer be solved.
type Stuck struct {
	Check   checks.Spec `yaml:"check"`
	Message checks.Text `yaml:"message"`
}

// Script is a solution or a mutant: a shell script, and what its header says of it.
type Script struct {
	Name    string // "main.sh"
	Path    string // within the lesson
	Body    string
	Answers []GivenAnswer // "# answer: GOAL VALUE", handed in when the script has ended
	Fails   []Failure     // of a mutant: "# fails: GOAL: part of the message"
	About   string        // "# about: …": the misconception, for people
}

// GivenAnswer is an answer that a script hands in.
type GivenAnswer struct{ Goal, Value string }

// Failure is a goal that a mutant must fail, and a part of the message it must fail with.
type Failure struct{ Goal, Message string }

// Goal is the goal of an id, or nil.
func (l *Lesson) Goal(id string) *Goal {
	for i := range l.Goals {
		if l.Goals[i].ID == id {
			return &l.Goals[i]
		}
	}
	return nil
}

// Step is the step of an id, or nil.
func (l *Lesson) Step(id string) *Step {
	for i := range l.Steps {
		if l.Steps[i].ID == id {
			return &l.Steps[i]
		}
	}
	return nil
}

// Duration is how long the lesson takes, as its author thinks.
func (l *Lesson) Duration() time.Duration { return time.Duration(l.Minutes) * time.Minute }

// For gives the lesson as the learner with this seed meets it: parameters drawn, and put into prose, world and goals.
// The same seed gives the same lesson.
func (l *Lesson) For(seed string) (*Lesson, error) { return l.with(seed, "") }

// with is For, with the images that drydock carries named as a registry has them.
func (l *Lesson) with(seed, images string) (*Lesson, error) {
	if len(l.Params) == 0 && images == "" {
		return l, nil
	}
	load := &loader{fsys: l.pack.fsys, images: images}
	out := load.build(l.pack, l.ID, l.values(seed))
	if len(load.problems) > 0 {
		return nil, load.problems
	}
	return out, nil
}
