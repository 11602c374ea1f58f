package pack

import (
	"errors"
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
}

// World is what a lesson starts from.
type World struct {
	Nodes     int
	Images    []string
	Manifests []Manifest
	Files     []File
	Until     []checks.Spec // what must hold before the lesson begins
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

// Hint helps with a step. One with a When is shown only while that check passes.
type Hint struct {
	Text checks.Text  `yaml:"text"`
	When *checks.Spec `yaml:"when"`
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
	Fail   map[string]checks.Text // by cause; "" is the message for every other cause
	Show   string
}

// Stuck is how to notice that the world can no longer be solved.
type Stuck struct {
	Check   checks.Spec `yaml:"check"`
	Message checks.Text `yaml:"message"`
}

// Prose is the text of a lesson, by language.
type Prose map[string]Text

// Text is the prose of one language: what comes before the first step, and each step's part by id.
type Text struct {
	Intro string
	Steps map[string]StepText
}

// StepText is a step's title and its Markdown.
type StepText struct {
	Title    string
	Markdown string
}

// In is the prose in a language, or else in English, or else in any.
func (p Prose) In(lang string) Text {
	for _, l := range []string{lang, "en"} {
		if t, ok := p[l]; ok {
			return t
		}
	}
	for _, t := range p {
		return t
	}
	return Text{}
}

// Script is a solution or a mutant: a shell script, and what its header says of it.
type Script struct {
	Name    string // "main.sh"
	Path    string // within the pack
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

// Duration is how long the lesson takes, as its author thinks.
func (l *Lesson) Duration() time.Duration { return time.Duration(l.Minutes) * time.Minute }

// For gives the lesson as the learner with this seed meets it: parameters drawn, and put into prose, world and goals.
func (l *Lesson) For(seed string) (*Lesson, error) { return nil, errors.New("not yet") }
