package checks

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Patience that is not the pack's to choose.
const (
	// movingFor is how long the world counts as being on its way after its last change. A pod that has been creating its
	// container for longer has a problem worth naming.
	movingFor = 30 * time.Second
	// slowGap is the least time between two askings of one slow question, so that a burst of changes asks it twice, not a
	// hundred times.
	slowGap = 100 * time.Millisecond
	// passedEvery stretches Every once a slow question has passed.
	passedEvery = 5
)

// loop is one Run of an Engine. Everything in it is owned by run.
type loop struct {
	engine  *Engine
	picture *picture
	past    *timeline
	records *recordLog
	began   Beginning
	report  func(Report)
	asked   []*asked
	slow    chan slowAnswer
	fresh   chan present
	running *sync.WaitGroup
	pokes   []waitingPoke
	behind  []present // pokes that wait until the watches have come as far
}

// asked is a question and what is known of its answer.
type asked struct {
	Question
	needs Needs

	first    bool // has been reported
	last     Result
	raw      Result    // last as the check gave it, before settling
	changed  time.Time // when something it needs last changed; zero until then
	passed   time.Time // since when it passes
	inFlight bool      // a slow question is being asked
	again    bool      // and must be asked again when that is done
	due      time.Time // when it is to be looked at again; zero is never
	finished time.Time // when a slow question was last answered
}

// idle reports whether the question is slow and nobody wants its answer.
func (q *asked) idle() bool { return q.needs.Slow && q.Idle != nil && q.Idle() }

type slowAnswer struct {
	q *asked
	r Result
}

// waitingPoke is a poke whose slow questions have not all answered.
type waitingPoke struct {
	poke
	open []*asked
}

func (l *loop) run(ctx context.Context, changes <-chan change) error {
	for _, q := range l.asked {
		l.ask(ctx, q) // those that need nothing from the cluster can be answered at once
	}
	for {
		timer := l.timer()
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case c := <-changes:
			l.take(ctx, c)
			l.catchUp(ctx)
		case a := <-l.slow:
			l.takeSlow(ctx, a)
		case p := <-l.engine.pokes:
			l.freshen(ctx, p)
		case p := <-l.fresh:
			l.behind = append(l.behind, p)
			l.catchUp(ctx)
		case now := <-timer.C:
			l.wake(ctx, now)
		}
		timer.Stop()
	}
}

// take applies a change and asks what depends on its kind. One change at a time: what was true between two changes was
// true.
func (l *loop) take(ctx context.Context, c change) {
	if c.past || c.records {
		l.takePast(ctx, c)
		return
	}
	first := !l.picture.known([]Kind{c.kind})
	l.picture.apply(c)
	for _, q := range l.asked {
		if !slices.Contains(q.needs.Kinds, c.kind) {
			continue
		}
		if !first {
			q.changed = time.Now()
		}
		l.ask(ctx, q)
	}
}

// takePast asks what depends on the past. The past is known all at once, when the last kind of any question was read: then
// also those are asked for the first time that concern other kinds.
func (l *loop) takePast(ctx context.Context, c change) {
	for _, q := range l.asked {
		waits := !q.first && len(q.needs.Past) > 0
		if c.records && !q.needs.Records || c.past && !waits && !slices.Contains(q.needs.Past, c.kind) {
			continue
		}
		if q.first {
			q.changed = time.Now()
		}
		l.ask(ctx, q)
	}
}

// known reports whether all that a question needs is known.
func (l *loop) known(n Needs) bool {
	return l.picture.known(n.Kinds) && (len(n.Past) == 0 || l.past.known()) && (!n.Records || l.records.known())
}

// ask asks a question when all it needs is known. A slow one is asked beside the loop.
func (l *loop) ask(ctx context.Context, q *asked) {
	if !l.known(q.needs) {
		return
	}
	if !q.needs.Slow {
		l.settle(q, q.Check.Ask(ctx, l.view(q)), time.Now())
		return
	}
	if q.idle() {
		l.answered(q) // with what is known
		return
	}
	if q.inFlight {
		q.again = true
		return
	}
	if next := q.finished.Add(slowGap); time.Now().Before(next) {
		q.due = next
		return
	}
	l.start(ctx, q)
}

func (l *loop) start(ctx context.Context, q *asked) {
	q.inFlight, q.again, q.due = true, false, time.Time{}
	view := l.view(q)
	l.running.Go(func() {
		r := q.Check.Ask(ctx, view)
		select {
		case l.slow <- slowAnswer{q, r}:
		case <-ctx.Done():
		}
	})
}

func (l *loop) view(q *asked) View {
	cfg := l.engine.cfg
	v := View{
		Objects: l.picture, Prober: cfg.Prober, Answers: cfg.Answers, Goal: q.ID,
		Past: l.past, Records: l.records, Commands: cfg.Commands, Scripts: cfg.Scripts, Lesson: l.began,
	}
	if q.Step != nil {
		v.Step = q.Step()
	}
	return v
}

func (l *loop) takeSlow(ctx context.Context, a slowAnswer) {
	q, now := a.q, time.Now()
	q.inFlight, q.finished = false, now
	l.settle(q, a.r, now)
	if q.again && !q.idle() { // settle may have made it idle
		q.again = false
		q.due = now.Add(slowGap)
		return // a poke waits for the answer that comes after it
	}
	every := q.needs.Every
	if q.last.Passed() {
		every *= passedEvery
	}
	if next := now.Add(every); every > 0 && (q.due.IsZero() || next.Before(q.due)) {
		q.due = next
	}
	l.answered(q)
}

func (l *loop) takePoke(ctx context.Context, p poke) {
	w := waitingPoke{poke: p}
	for _, q := range l.asked {
		if len(p.ids) > 0 && !slices.Contains(p.ids, q.ID) {
			continue
		}
		if q.needs.Slow && q.idle() {
			continue
		}
		if q.needs.Slow {
			w.open = append(w.open, q)
			if q.inFlight {
				q.again = true
			} else if l.known(q.needs) {
				l.start(ctx, q)
			}
			continue
		}
		l.ask(ctx, q)
		if !q.first {
			w.open = append(w.open, q) // its first list is still to come
		}
	}
	if len(w.open) == 0 {
		close(p.done)
		return
	}
	l.pokes = append(l.pokes, w)
}

// answered ends the pokes that waited for this question alone.
func (l *loop) answered(q *asked) {
	l.pokes = slices.DeleteFunc(l.pokes, func(w waitingPoke) bool { return len(w.open) == 0 })
	for i := range l.pokes {
		w := &l.pokes[i]
		w.open = slices.DeleteFunc(w.open, func(o *asked) bool { return o == q })
		if len(w.open) == 0 {
			close(w.done)
		}
	}
	l.pokes = slices.DeleteFunc(l.pokes, func(w waitingPoke) bool { return len(w.open) == 0 })
}

// settle turns the answer of a check into the answer of the question: a pass must last, a failure may be young.
func (l *loop) settle(q *asked, r Result, now time.Time) {
	q.raw, q.due = r, time.Time{}
	switch {
	case r.Passed():
		if q.passed.IsZero() {
			q.passed = now
		}
		if until := q.passed.Add(q.Settle.Hold); now.Before(until) {
			r = Result{Outcome: Fail, Cause: Holding, Progress: holding.with(q.Settle.Hold), Expected: r.Expected, Seen: r.Seen}
			q.due = until
		}
	case r.Outcome == Fail:
		q.passed = time.Time{}
		r = q.patient(r, now)
	default:
		q.passed = time.Time{}
	}
	if !q.first || !r.Same(q.last) {
		q.first, q.last = true, r
		l.report(Report{ID: q.ID, Result: r, At: now})
	}
	if !q.needs.Slow {
		l.answered(q)
	}
}

// patient lets a failure count as progress while something moves, but not for ever.
func (q *asked) patient(r Result, now time.Time) Result {
	young := !q.changed.IsZero() && now.Before(q.changed.Add(q.Settle.Within))
	switch {
	case r.OnItsWay():
		if q.changed.IsZero() {
			q.changed = now
		}
		until := q.changed.Add(max(movingFor, q.Settle.Within))
		if now.Before(until) {
			q.due = until
			return r
		}
		r.Progress = nil
	case young:
		q.due = q.changed.Add(q.Settle.Within)
		r.Progress = stillYoung.with(q.Settle.Within)
	}
	return r
}

// timer fires when the first question is due.
func (l *loop) timer() *time.Timer {
	var first time.Time
	for _, q := range l.asked {
		if !q.due.IsZero() && (first.IsZero() || q.due.Before(first)) {
			first = q.due
		}
	}
	if first.IsZero() {
		t := time.NewTimer(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTimer(time.Until(first))
}

// wake looks again at the questions that are due.
func (l *loop) wake(ctx context.Context, now time.Time) {
	for _, q := range l.asked {
		if q.due.IsZero() || now.Before(q.due) {
			continue
		}
		q.due = time.Time{}
		switch {
		case !q.needs.Slow:
			l.settle(q, q.raw, now)
		case q.idle():
			l.answered(q)
		case !q.inFlight:
			l.start(ctx, q)
		}
	}
}
