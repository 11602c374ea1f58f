package tui

import (
	"context"
	"errors"
	"fmt"
)

// Language is a language of the interface and of lessons: "en" or "ko".
type Language string

// The languages the interface speaks.
const (
	English Language = "en"
	Korean  Language = "ko"
)

// ErrNoMore is returned by Next, Previous and Hint when there is nothing further.
var ErrNoMore = errors.New("there is no more")

// Priced is the error of asking for a hint that costs more points than were offered.
type Priced struct{ Cost float64 }

func (e *Priced) Error() string { return fmt.Sprintf("this hint costs %g points", e.Cost) }

// Course is the lessons and the learner's way through them. Exactly one lesson is current.
//
// All methods may be called from any goroutine. Methods with a context may take their time and are never called from
// the goroutine that draws; the others must not block. Texts come in the language asked for, or in English when the
// pack has no other.
type Course interface {
	// Lessons lists all lessons in their order.
	Lessons(lang Language) []LessonInfo

	// Lesson is the current lesson.
	Lesson(lang Language) Lesson

	// Open makes another lesson current and sets up its world.
	Open(ctx context.Context, lessonID string) error

	// Next and Previous open the neighbour of the current lesson; ErrNoMore at the ends. An error that is or wraps a
	// *Problem explains why the lesson is not open yet.
	Next(ctx context.Context) error
	Previous(ctx context.Context) error

	// Checks sends the goals of the current lesson: at once, when an answer or its reason changes, and when another
	// lesson becomes current. Each value is complete and is not changed by the sender afterwards. Closed when ctx ends.
	Checks(ctx context.Context, lang Language) <-chan ChecksView

	// CheckNow asks all checks of the current lesson again.
	CheckNow(ctx context.Context) error

	// Answer hands in the learner's answer to a goal that has an AnswerForm; for a choice, value is Choice.ID. The
	// verdict arrives through Checks.
	Answer(ctx context.Context, goalID, value string) error

	// Hints are the hints of a step: those that were asked for, and how many there are.
	Hints(lang Language, stepID string) HintsView

	// Hint reveals one more hint of a step; ErrNoMore when all are shown, a Priced when it costs more points than price.
	Hint(ctx context.Context, stepID string, price float64) error

	// ResetPlan names what Reset would delete, one thing per line.
	ResetPlan(lang Language, scope ResetScope) []string

	// Reset puts the world of the current lesson, or the whole lab, back to where the lesson starts.
	Reset(ctx context.Context, scope ResetScope) error
}

// ResetScope says how much a reset takes back.
type ResetScope int

// What can be reset.
const (
	ResetLesson ResetScope = iota // what belongs to the current lesson
	ResetLab                      // every object in the lab
)

// LessonInfo is one line in the list of lessons.
type LessonInfo struct {
	ID      string
	Track   string // the title of the group it belongs to, or empty
	Title   string
	Summary string
	Minutes int
	Done    bool // every goal has been reached once
	Started bool
	Locked  string // why it cannot be opened yet, or empty
}

// Lesson is the text of one lesson.
type Lesson struct {
	ID      string
	Title   string
	Number  int // of the lesson in the course, from 1
	Total   int
	Steps   []Step
	Debrief string // Markdown shown after success, or empty
}

// Step is one task of a lesson.
type Step struct {
	ID       string
	Title    string
	Markdown string
}

// ChecksView is the state of all goals of the current lesson.
type ChecksView struct {
	LessonID string
	// Edition grows when the text of the lesson has become another, as when its author saves it.
	Edition int
	// Open is how many steps of the lesson may be read: the first is always open, the next opens when the goals
	// of the one before are reached.
	Open  int
	Goals []CheckView // in the order of the lesson; hidden goals are left out
	Done  bool        // every goal is reached
}

// CheckState is what a check says.
type CheckState int

// The states of a check. Only Failed blames the learner.
const (
	Waiting  CheckState = iota // nothing was done yet
	Progress                   // on its way: "Pod web is ContainerCreating"
	Done
	Failed
	Blocked // a goal it needs is open
	Unsure  // the check could not tell: a time-out, or an error of ours
)

// CheckView is one goal and what its check says.
type CheckView struct {
	Goal  string // id
	Step  string // id of the step it belongs to
	Text  string // what the learner is to reach
	Guard bool   // holds from the start and must not be broken
	Bonus bool

	State    CheckState
	Note     string // one line beside the goal: "image pull 8 s"
	Expected string
	Seen     string
	Why      string
	Next     string // where to look: "kubectl describe pod web"

	Answer *AnswerForm // a question to be answered in the interface, or nil
}

// AnswerKind says how a question is answered.
type AnswerKind int

// The kinds of answers.
const (
	AnswerText AnswerKind = iota
	AnswerNumber
	AnswerChoice
)

// AnswerForm is a question asked in the interface.
type AnswerForm struct {
	Kind    AnswerKind
	Prompt  string
	Choices []Choice // of an AnswerChoice
	Given   string   // the last answer handed in, or empty
}

// Choice is one possible answer.
type Choice struct {
	ID   string
	Text string
}

// HintsView is the hints of one step.
type HintsView struct {
	Shown []string // Markdown; those asked for so far
	Total int
}
