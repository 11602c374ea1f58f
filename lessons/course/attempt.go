package course

import (
	"context"
	"maps"
	"slices"
	"time"

	"drydock/checks"
	"drydock/lessons/journal"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
)

// attempt is one building of a lesson's world and what the learner did in it. A new world begins a new attempt.
type attempt struct {
	// set once in enter
	course    *Course
	lesson    *pack.Lesson
	marker    marker
	fresh     bool // its world was built a moment ago
	engine    *checks.Engine
	questions []checks.Question
	outdated  chan struct{} // one slot: stale has become larger

	// guarded by course.mu
	results map[string]checks.Result // the latest answer to each question
	first   map[string]checks.Result // the first one to a goal that is not blocked: until it changes nobody has done anything about it
	passed  map[string]bool          // goals that were reached; they stay so
	opened  map[string]time.Time     // when they were
	stale   map[string]bool          // goals whose answer is older than something they need
	blocked map[string]bool          // goals that were seen blocked
	marks   map[string]marked
	answers map[string]string
	hints   map[string][]int  // places of the hints shown, by step
	before  map[string][]int  // those of earlier attempts as well
	done    bool              // was recorded as finished
	noted   map[string]string // the verdicts in the journal
	trouble error             // the last record that could not be kept
	kept    int               // steps that were open, or have become so and were kept
}

type marked struct {
	mark  Mark
	since time.Time
}

func newAttempt(c *Course, lesson *pack.Lesson, m marker, done progress.Attempt) *attempt {
	return &attempt{
		course: c, lesson: lesson, marker: m, outdated: make(chan struct{}, 1),
		results: map[string]checks.Result{}, first: map[string]checks.Result{}, stale: map[string]bool{},
		blocked: map[string]bool{}, marks: map[string]marked{}, passed: done.Passed, answers: done.Answers, hints: done.Hints, done: done.Done,
	}
}

// mergeLocked takes in what was recorded by another program.
func (a *attempt) mergeLocked(done progress.Attempt) {
	for goal := range done.Passed {
		a.passed[goal] = true
		if a.opened[goal].IsZero() {
			a.opened[goal] = done.Times[goal]
		}
	}
	for goal, answer := range done.Answers {
		a.answers[goal] = answer
	}
	for step, places := range done.Hints {
		for _, place := range places {
			if !slices.Contains(a.hints[step], place) {
				a.hints[step] = append(a.hints[step], place)
			}
		}
	}
}

// Answer implements checks.Answers.
func (a *attempt) Answer(goal string) (string, bool) {
	a.course.mu.Lock()
	defer a.course.mu.Unlock()
	s, ok := a.answers[goal]
	return s, ok
}

func (a *attempt) record(kind progress.Kind) progress.Record {
	return progress.Record{
		Time: now(), Kind: kind, Pack: a.marker.Pack, Lesson: a.lesson.ID, Revision: a.lesson.Revision,
		Attempt: a.marker.Attempt, Lab: a.course.cfg.Lab,
	}
}

// take puts a report into the picture.
func (c *Course) take(a *attempt, r checks.Report) {
	c.mu.Lock()
	a.results[r.ID] = r.Result
	c.mu.Unlock()
	c.update(a)
}

// update finds which goals are reached now, publishes the picture, and records what is new. The picture comes first: the
// disk takes longer than a person should wait for a tick.
func (c *Course) update(a *attempt) {
	if c.tell(a) {
		c.keepMade(a)
	}
}

// tell publishes the picture and records what is new in it, one picture after the other. It says whether the attempt is
// finished by it.
func (c *Course) tell(a *attempt) (finished bool) {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.mu.Lock()
	if c.current != a {
		c.mu.Unlock()
		return false
	}
	reached := a.reachLocked()
	s := a.pictureLocked()
	finished = s.Done && !a.done
	a.done = a.done || finished
	entries := a.verdictsLocked(s)
	c.publishLocked(s)
	c.mu.Unlock()

	var records []progress.Record
	for _, goal := range reached {
		r := a.record(progress.Passed)
		r.Goal = goal
		records = append(records, r)
	}
	if finished {
		r := a.record(progress.Finished)
		r.Number = int(s.Score)
		records = append(records, r)
		entries = append(entries, a.entry(journal.Entry{Kind: journal.Finished, Place: int(s.Score)}))
	}
	c.keep(a, records)
	c.journalize(a, entries)
	return finished
}

// keep records; what cannot be recorded is told in the picture.
func (c *Course) keep(a *attempt, records []progress.Record) {
	for _, r := range records {
		if err := c.cfg.Book.Add(r); err != nil {
			c.troubled(a, err)
		}
	}
}

// troubled tells in the picture what could not be recorded.
func (c *Course) troubled(a *attempt, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.trouble = err
	if c.current == a {
		c.publishLocked(a.pictureLocked())
	}
}

// reachLocked marks the goals that are reached now, and returns them.
func (a *attempt) reachLocked() []string {
	var reached []string
	for again := true; again; {
		again = false
		for _, g := range a.lesson.Goals {
			r, known := a.results[g.ID]
			if g.Kind == pack.Guard || a.passed[g.ID] || !known || !r.Passed() || a.stale[g.ID] || a.openNeedLocked(&g) != nil {
				continue
			}
			a.passed[g.ID], a.opened[g.ID] = true, now()
			reached = append(reached, g.ID)
			a.outdateLocked(g.ID)
			again = true
		}
	}
	return reached
}

// outdateLocked marks goals with slow checks that need this one: their answers are from before it was reached. Those of
// the others are not, because of the order in which they are asked.
func (a *attempt) outdateLocked(goal string) {
	for _, q := range a.questions {
		g := a.lesson.Goal(q.ID)
		if g != nil && slices.Contains(g.Needs, goal) && q.Check.Needs().Slow && !a.passed[g.ID] {
			a.stale[g.ID] = true
			select {
			case a.outdated <- struct{}{}:
			default:
			}
		}
	}
}

// refresh asks goals again whose answers are out of date, and believes the new ones. It ends when ctx does.
func (c *Course) refresh(ctx context.Context, a *attempt) {
	for {
		select {
		case <-a.outdated:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		goals := slices.Sorted(maps.Keys(a.stale))
		c.mu.Unlock()
		if len(goals) == 0 {
			continue
		}
		if a.engine.Ask(ctx, goals...) != nil {
			return // ctx ended
		}
		c.mu.Lock()
		for _, g := range goals {
			delete(a.stale, g)
		}
		c.mu.Unlock()
		c.update(a)
	}
}

// openNeedLocked is the first goal that keeps another one blocked, or nil.
func (a *attempt) openNeedLocked(g *pack.Goal) *pack.Goal {
	for _, id := range g.Needs {
		need := a.lesson.Goal(id)
		if need.Kind == pack.Guard && a.brokenLocked(need) || need.Kind != pack.Guard && !a.passed[id] {
			return need
		}
	}
	return nil
}

// brokenLocked reports whether a guard is known not to hold.
func (a *attempt) brokenLocked(g *pack.Goal) bool {
	r, known := a.results[g.ID]
	return known && r.Outcome == checks.Fail && !r.OnItsWay()
}
