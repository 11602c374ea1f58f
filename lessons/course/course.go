package course

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/lessons/journal"
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

func (e *Locked) Error() string {
	return fmt.Sprintf("lesson %s opens when these are done: %v", e.Lesson, e.Needs)
}

// Config is what a Course needs.
type Config struct {
	Pack      *pack.Pack // may be several, joined: every lesson is recorded under its own
	Book      *progress.Book
	Lab       string        // its name, for the record
	REST      *rest.Config  // the lab's API server
	Prober    checks.Prober // nil: probes from pods only
	Workspace string        // the learner's folder; "" leaves files out
	Seed      string        // for parameters; the learner and the pack when empty
	// Elsewhere is where lessons are worked through on a cluster that is not drydock's own: everything of a lesson is made in
	// that namespace and deleted with it. Without a namespace the cluster is a lab, and all of it is the lesson's.
	Elsewhere pack.Elsewhere
	// Fresh: the lab holds nothing from before, so that building a lesson's world need not look for it.
	Fresh bool
	// Scripts runs the scripts of checks; nil where that is not possible.
	Scripts checks.Scripter
	// Machines breaks what world.faults names; nil where that is not possible.
	Machines Machines
	// Snapshots takes worlds back to what they were; nil where the lab cannot: worlds are cleared and built again then.
	Snapshots Snapshots
	// Journal is the learner's journal in this lab; nil where nobody needs one. Notes is the file in which the lab notes
	// what people change (engine/audit).
	Journal *journal.Journal
	Notes   string
}

// Snapshots keeps a whole lab as it is, and takes it back. The learner's folder is no part of it.
type Snapshots interface {
	// Save keeps the lab under a name, over what was kept under it before. The note says what it is.
	Save(ctx context.Context, name, note string) error
	// Restore takes the lab back to what was kept with that name and note; false when there is no such thing.
	Restore(ctx context.Context, name, note string) (bool, error)
}

// Machines are the lab's nodes and the parts of the cluster, which a lesson may break.
type Machines interface {
	// Break makes a fault happen and returns when it has.
	Break(ctx context.Context, f pack.Fault) error
	// Mend undoes every fault, whoever made it.
	Mend(ctx context.Context) error
	// Bring puts the images that the pack brought along on every node. The error names one of those needed that is on none then.
	Bring(ctx context.Context, needed []string) error
}

// Course is the learner's way through a pack in one lab. Safe for use by several goroutines.
type Course struct {
	// set once in New
	cfg       Config
	resources *checks.Resources

	pack     atomic.Pointer[pack.Pack] // another one after Reload
	running  chan struct{}             // one slot: held by the Run that asks
	building sync.Mutex                // held while a world is built: one at a time
	built    bool                      // guarded by building: a world was built, so that the lab is fresh no more
	telling  sync.Mutex                // held from before a picture is made until the journal has what is new in it

	mu sync.Mutex
	// guarded by mu
	current  *attempt      // nil while no lesson is open, or one is being built
	state    *State        // never nil
	changed  chan struct{} // closed when state becomes another
	switched chan struct{} // closed when current becomes another
}

// New prepares a Course. It does not connect yet.
func New(cfg Config) (*Course, error) {
	resources, err := checks.NewResources(cfg.REST)
	if err != nil {
		return nil, err
	}
	if cfg.Prober == nil {
		if cfg.Prober, err = checks.NewAPIProber(cfg.REST); err != nil {
			return nil, err
		}
	}
	c := &Course{
		cfg: cfg, resources: resources, state: &State{}, running: make(chan struct{}, 1),
		changed: make(chan struct{}), switched: make(chan struct{}),
	}
	c.pack.Store(cfg.Pack)
	return c, nil
}

// Reload goes on with another edition of the pack. The lesson that is open stays open, in the world as it is: what the new
// edition says of the world is seen after a reset. A lesson that is no longer there stays as it was.
func (c *Course) Reload(p *pack.Pack) error {
	c.pack.Store(p)
	a, err := c.open()
	if err != nil {
		return nil //nolint:nilerr // no lesson is open: the next one comes out of the new edition
	}
	lesson := p.Lesson(a.marker.Lesson)
	if lesson == nil {
		return nil
	}
	mine, err := c.mine(lesson, a.marker.Seed)
	if err != nil {
		return fmt.Errorf("open lesson %s: %w", a.marker.Lesson, err)
	}
	return c.enter(mine, a.marker, false)
}

// Pack is the pack that is worked through.
func (c *Course) Pack() *pack.Pack { return c.pack.Load() }

// Resume makes the lesson that is open in the lab current; ErrNoLesson when there is none, or none of these packs.
func (c *Course) Resume(ctx context.Context) error {
	m, err := c.readMarker(ctx)
	if err != nil {
		return err
	}
	return c.resume(m)
}

func (c *Course) resume(m marker) error {
	lesson := c.Pack().Lesson(m.Lesson)
	if lesson == nil || m.Pack != lesson.Pack().ID || lesson.Revision != m.Revision {
		return ErrNoLesson
	}
	if a, err := c.open(); err == nil && a.marker == m {
		return nil // it is current already
	}
	mine, err := c.mine(lesson, m.Seed)
	if err != nil {
		return fmt.Errorf("open lesson %s: %w", m.Lesson, err)
	}
	return c.enter(mine, m, false)
}

// Open makes a lesson current. When the lab holds its world already it is taken up where it was left; otherwise the
// world is built anew, which deletes what Plan names.
func (c *Course) Open(ctx context.Context, lesson string) error {
	if err := c.allowed(lesson); err != nil {
		return err
	}
	m, err := c.readMarker(ctx)
	if err != nil && !errors.Is(err, ErrNoLesson) {
		return err
	}
	if m.Lesson == lesson {
		if err := c.resume(m); !errors.Is(err, ErrNoLesson) {
			return err
		}
	}
	if err := c.Fits(ctx, lesson); err != nil {
		return err
	}
	return c.build(ctx, lesson)
}

// allowed says why a lesson cannot be opened yet.
func (c *Course) allowed(id string) error {
	lesson := c.Pack().Lesson(id)
	if lesson == nil {
		return fmt.Errorf("there is no lesson %q", id)
	}
	needs, err := c.missing(lesson)
	if err != nil {
		return err
	}
	if len(needs) > 0 {
		return &Locked{id, needs}
	}
	return nil
}

// Next opens the lesson after the current one; ErrNoMore after the last.
func (c *Course) Next(ctx context.Context) error { return c.step(ctx, 1) }

// Previous opens the lesson before the current one; ErrNoMore before the first.
func (c *Course) Previous(ctx context.Context) error { return c.step(ctx, -1) }

func (c *Course) step(ctx context.Context, by int) error {
	lesson := c.Current()
	if lesson == nil {
		return ErrNoLesson
	}
	all := c.Pack().Lessons
	i := by + slices.IndexFunc(all, func(l *pack.Lesson) bool { return l.ID == lesson.ID })
	if i < 0 || i >= len(all) {
		return ErrNoMore
	}
	return c.Open(ctx, all[i].ID)
}

// Reset builds the world of the current lesson anew.
func (c *Course) Reset(ctx context.Context) error {
	lesson := c.State().Lesson
	if lesson == "" {
		return ErrNoLesson
	}
	return c.build(ctx, lesson)
}

// Current is the current lesson as this learner meets it, or nil.
func (c *Course) Current() *pack.Lesson {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return nil
	}
	return c.current.lesson
}

// State is the latest picture of the current lesson. It is never changed afterwards.
func (c *Course) State() *State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Changed returns a channel that is closed when State becomes another than it is now.
func (c *Course) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// publishLocked makes a picture the latest one.
func (c *Course) publishLocked(s *State) {
	c.state = s
	close(c.changed)
	c.changed = make(chan struct{})
}

// leave puts the current lesson away: from now on nothing that is seen in the lab counts for it.
func (c *Course) leave(next string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = nil
	c.switchedLocked()
	c.publishLocked(&State{Lesson: next, Building: true})
}

func (c *Course) switchedLocked() {
	close(c.switched)
	c.switched = make(chan struct{})
}

// enter makes a lesson current whose world is in the lab, with what was done of it so far.
func (c *Course) enter(lesson *pack.Lesson, m marker, fresh bool) error {
	done, err := c.cfg.Book.Attempt(m.Attempt)
	if err != nil {
		return err
	}
	a := newAttempt(c, lesson, m, done)
	if a.before, err = c.cfg.Book.Hinted(m.Pack, lesson.ID, m.Revision); err != nil {
		return err
	}
	a.fresh = fresh
	a.opened = done.Times
	if a.noted, err = c.verdicts(m.Attempt); err != nil {
		return err
	}
	if a.engine, err = checks.New(checks.Config{
		Resources: c.resources, Prober: c.cfg.Prober, Answers: a, Commands: a, Scripts: c.cfg.Scripts, Began: m.beginning(),
	}); err != nil {
		return err
	}
	if a.questions, err = a.ask(); err != nil {
		return fmt.Errorf("open lesson %s: %w", lesson.ID, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a.kept = a.openStepsLocked()
	c.current = a
	c.switchedLocked()
	c.publishLocked(a.pictureLocked())
	return nil
}

// Run asks the goals of the current lesson, whichever that is, until ctx ends; then it returns context.Cause(ctx).
// Of several at the same time one asks and the others stand by.
func (c *Course) Run(ctx context.Context) error {
	select {
	case c.running <- struct{}{}:
		defer func() { <-c.running }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		c.mu.Lock()
		a, switched := c.current, c.switched
		c.mu.Unlock()
		if err := c.runOne(ctx, a, switched); err != nil {
			return err
		}
	}
}

// runOne asks the goals of one attempt until another is current.
func (c *Course) runOne(ctx context.Context, a *attempt, switched <-chan struct{}) error {
	asking, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if a != nil {
		running.Go(func() {
			_ = a.engine.Run(asking, a.questions, func(r checks.Report) { c.take(a, r) }) // ends with asking only
		})
		running.Go(func() { c.refresh(asking, a) })
		running.Go(func() { c.keepSteps(asking, a) })
	}
	select {
	case <-switched:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// CheckNow asks every goal again and returns when each has an answer, at the latest when ctx ends. What another program
// recorded for this attempt counts as well. Run must be running.
func (c *Course) CheckNow(ctx context.Context) (*State, error) {
	a, err := c.open()
	if err != nil {
		return nil, err
	}
	done, err := c.cfg.Book.Attempt(a.marker.Attempt)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	a.mergeLocked(done)
	c.mu.Unlock()
	if err := c.CatchUp(); err != nil {
		return nil, err
	}
	if err := a.engine.Ask(ctx); err != nil {
		return nil, err
	}
	c.update(a)
	return c.State(), nil
}

func (c *Course) open() (*attempt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return nil, ErrNoLesson
	}
	return c.current, nil
}

// Answer hands in the learner's answer to a goal and says whether it is right. Run must be running.
func (c *Course) Answer(ctx context.Context, goal, value string) (checks.Result, error) {
	a, err := c.open()
	if err != nil {
		return checks.Result{}, err
	}
	g := a.lesson.Goal(goal)
	if g == nil || g.Check.Answer == nil {
		return checks.Result{}, fmt.Errorf("goal %q is not a question to answer", goal)
	}
	r := a.record(progress.Answered)
	r.Goal, r.Value = goal, value
	if err := c.cfg.Book.Add(r); err != nil {
		return checks.Result{}, err
	}
	if err := c.write(a.entry(journal.Entry{Kind: journal.Answered, Goal: goal, Value: value})); err != nil {
		return checks.Result{}, err
	}
	c.mu.Lock()
	a.answers[goal] = value
	c.mu.Unlock()
	if err := a.engine.Ask(ctx, goal); err != nil {
		return checks.Result{}, err
	}
	c.update(a)
	if s := c.State().Goal(goal); s != nil {
		return s.Result, nil
	}
	return checks.Result{}, ErrNoLesson
}

// now is the time in records and pictures.
func now() time.Time { return time.Now().UTC() }
