package course

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
)

// ErrNoMore is returned by Next, Previous and Hint when there is nothing further.
var ErrNoMore = errors.New("there is no more")

// ErrNoLesson is returned while no lesson is open in the lab.
var ErrNoLesson = errors.New("no lesson is open")

// Locked is the error of opening a lesson whose needs are not met (policy gated or exam).
type Locked struct {
	Lesson string
	Needs  []string // lessons to finish first
}

func (e *Locked) Error() string { return "lesson " + e.Lesson + " is not open yet" }

// Config is what a Course needs.
type Config struct {
	Pack      *pack.Pack
	Book      *progress.Book
	Lab       string       // its name, for the record
	REST      *rest.Config // the lab's API server
	Prober    checks.Prober
	Workspace string // the learner's folder; "" leaves files out
	Now       func() time.Time
}

// Course is the learner's way through a pack in one lab. Safe for use by several goroutines.
type Course struct{}

// New prepares a Course. It does not connect yet.
func New(cfg Config) (*Course, error) { return nil, errors.New("not yet") }

// Resume makes the lesson that is open in the lab current; ErrNoLesson when there is none.
func (c *Course) Resume(ctx context.Context) error { return errors.New("not yet") }

// Open makes a lesson current. When the lab holds its world already it is taken up where it was left; otherwise the
// world is built anew, which deletes what Plan names.
func (c *Course) Open(ctx context.Context, lesson string) error { return errors.New("not yet") }

// Next opens the lesson after the current one, Previous the one before; ErrNoMore at the ends.
func (c *Course) Next(ctx context.Context) error { return errors.New("not yet") }

// Previous opens the lesson before the current one.
func (c *Course) Previous(ctx context.Context) error { return errors.New("not yet") }

// Run keeps State up to date until ctx ends, following whichever lesson is current.
func (c *Course) Run(ctx context.Context) error { return errors.New("not yet") }

// Current is the current lesson as this learner meets it, or nil.
func (c *Course) Current() *pack.Lesson { return nil }

// State is the latest picture of the current lesson. It is never changed afterwards.
func (c *Course) State() *State { return &State{} }

// Changed returns a channel that is closed when State becomes another than it is now.
func (c *Course) Changed() <-chan struct{} { return nil }

// CheckNow asks every goal again and returns when each has an answer, at the latest when ctx ends. Run must be running.
func (c *Course) CheckNow(ctx context.Context) (*State, error) { return nil, errors.New("not yet") }

// Answer hands in the learner's answer to a goal and says whether it is right.
func (c *Course) Answer(ctx context.Context, goal, value string) (checks.Result, error) {
	return checks.Result{}, errors.New("not yet")
}

// Hint reveals one more hint of a step; ErrNoMore when all are shown.
func (c *Course) Hint(ctx context.Context, step string) (Hint, error) {
	return Hint{}, errors.New("not yet")
}

// Plan names what building the world of a lesson anew would delete and write.
func (c *Course) Plan(ctx context.Context, lesson string) (Plan, error) {
	return Plan{}, errors.New("not yet")
}

// Reset builds the world of the current lesson anew.
func (c *Course) Reset(ctx context.Context) error { return errors.New("not yet") }

// Lessons lists the pack's lessons with what the learner has done of each.
func (c *Course) Lessons() ([]LessonInfo, error) { return nil, errors.New("not yet") }
