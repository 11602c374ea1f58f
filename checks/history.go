package checks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// historyCheck is a compiled HistorySpec. Every part of it is a question about one state.
type historyCheck struct {
	spec        HistorySpec
	main        *objectCheck // Always, Never or Eventually; Before.Then
	first       *objectCheck // Before.First
	from, until *objectCheck
	kinds       []Kind
}

func compileHistory(s HistorySpec) (Check, error) {
	if given(s.Always != nil, s.Never != nil, s.Eventually != nil, s.Before != nil) != 1 {
		return nil, errors.New("a history is exactly one of always, never, eventually, before")
	}
	if s.Within != 0 && s.Eventually == nil {
		return nil, at(errors.New("within goes with eventually"), "within")
	}
	if err := checkSince(s.Since); err != nil {
		return nil, err
	}
	c := &historyCheck{spec: s}
	parts := []struct {
		path []string
		spec *ObjectSpec
		into **objectCheck
	}{
		{[]string{"always"}, s.Always, &c.main},
		{[]string{"never"}, s.Never, &c.main},
		{[]string{"eventually"}, s.Eventually, &c.main},
		{[]string{"from"}, s.From, &c.from},
		{[]string{"until"}, s.Until, &c.until},
	}
	if s.Before != nil {
		if s.Before.First == nil || s.Before.Then == nil {
			return nil, at(errors.New("before needs first and then"), "before")
		}
		parts[0].path, parts[0].spec = []string{"before", "then"}, s.Before.Then
		parts[1].path, parts[1].spec, parts[1].into = []string{"before", "first"}, s.Before.First, &c.first
	}
	for _, p := range parts {
		if p.spec == nil {
			continue
		}
		if err := c.compile(*p.spec, p.into, p.path); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *historyCheck) compile(s ObjectSpec, into **objectCheck, path []string) error {
	check, err := compileObject(s)
	if err != nil {
		var field *FieldError
		if errors.As(err, &field) {
			return &FieldError{Path: append(path, field.Path...), Err: field.Err}
		}
		return at(err, path...)
	}
	object, ok := check.(*objectCheck)
	if !ok {
		return at(fmt.Errorf("only objects have a history"), path...)
	}
	object.alone = true
	*into = object
	c.kinds = append(c.kinds, object.kind)
	return nil
}

func (c *historyCheck) Needs() Needs { return Needs{Past: c.kinds} }

func (c *historyCheck) Ask(ctx context.Context, v View) Result {
	begins, open := c.spec.Since.begins(v)
	switch {
	case !open:
		return Result{Outcome: Fail, Cause: "not-begun", Expected: c.wanted(), Seen: stepNotOpen.with()}
	case v.Past == nil:
		return Result{Outcome: Error, Cause: "past", Seen: apiSilent.with(errPastLost.Error()), Look: lookStatus}
	}
	t, ok := v.Past.Memory(c, func() any { return &track{check: c, world: newPicture(c.kinds)} }).(*track)
	if !ok {
		return Result{Outcome: Error, Cause: "past", Seen: apiSilent.with(errPastLost.Error())}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.catchUpLocked(ctx, v.Past, begins); err != nil {
		return Result{Outcome: Error, Cause: "past", Seen: apiSilent.with(err.Error()), Look: lookReset}
	}
	r := t.verdictLocked()
	r.Expected = c.wanted()
	if r.Outcome == Fail && r.Look.Empty() {
		r.Look = c.main.lookAt("")
	}
	return r
}

func (c *historyCheck) wanted() Text {
	var t Text
	switch {
	case c.spec.Always != nil:
		t = wantAlways.with(c.main.wanted())
	case c.spec.Never != nil:
		t = wantNever.with(c.main.wanted())
	case c.spec.Before != nil:
		t = wantBefore.with(c.first.wanted(), c.main.wanted())
	case c.spec.Within > 0:
		t = wantWithin.with(c.spec.Within, c.main.wanted())
	default:
		t = wantEventually.with(c.main.wanted())
	}
	if c.from != nil {
		t = joinTexts(", ", t, wantFrom.with(c.from.wanted()))
	}
	if c.until != nil {
		t = joinTexts(", ", t, wantUntil.with(c.until.wanted()))
	}
	return t
}

// track is how far a history check has come: it walks over every state once.
type track struct {
	check *historyCheck // set once

	mu sync.Mutex
	// guarded by mu
	next    int // the number of the first change that was not looked at
	world   *picture
	begun   bool      // the beginning has come
	started bool      // and From holds, or there is none
	at      time.Time // since when
	ended   bool      // Until holds
	broken  *Result   // the first state that must not be
	reached bool      // Eventually holds; Before: Then came after First
	late    bool
	first   bool   // Before: First has held
	last    Result // of main, in the newest state
	waits   Result // of From or Until, in the newest state
}

func (t *track) catchUpLocked(ctx context.Context, past Past, begins time.Time) error {
	changes, err := past.Recorded(t.next)
	if err != nil {
		return err
	}
	if t.next == 0 {
		for _, k := range t.check.kinds {
			t.world.apply(change{kind: k, listed: true})
		}
	}
	for i, c := range changes {
		if !t.begun && t.check.counts(c, begins) {
			t.begun = true
			t.stateLocked(ctx, begins)
		}
		t.next++
		if !t.concernsLocked(c.Kind) {
			continue
		}
		t.world.apply(change{kind: c.Kind, object: c.Object, deleted: c.Deleted})
		if t.begun && (i+1 == len(changes) || !c.First) {
			t.stateLocked(ctx, c.At)
		}
	}
	if !t.begun {
		t.begun = true
		t.stateLocked(ctx, begins)
	}
	return ctx.Err()
}

// counts reports whether a change happened after the beginning. Everything that is recorded after the first list is of the
// lesson; for a step the clock decides, and objects tell times in whole seconds.
func (c *historyCheck) counts(change Change, begins time.Time) bool {
	switch {
	case change.First:
		return false
	case c.spec.Since != SinceStep:
		return true
	case change.At.Nanosecond() == 0:
		return !change.At.Before(begins.Truncate(time.Second))
	default:
		return !change.At.Before(begins)
	}
}

func (t *track) concernsLocked(k Kind) bool {
	_, ok := t.world.tables[k]
	return ok
}

// stateLocked looks at one state.
func (t *track) stateLocked(ctx context.Context, at time.Time) {
	c := t.check
	view := View{Objects: t.world}
	if t.ended {
		return
	}
	if !t.started {
		if c.from != nil {
			if t.waits = c.from.Ask(ctx, view); !t.waits.Passed() {
				return
			}
		}
		t.started, t.at = true, at
	}
	t.last = c.main.Ask(ctx, view)
	switch {
	case c.spec.Always != nil || c.spec.Never != nil:
		if t.broken == nil && t.last.Passed() != (c.spec.Always != nil) {
			broken := t.last
			t.broken = &broken
		}
	case c.spec.Before != nil:
		t.first = t.first || c.first.Ask(ctx, view).Passed()
		if t.last.Passed() && !t.reached {
			if t.first {
				t.reached = true
			} else if t.broken == nil {
				broken := t.last
				t.broken = &broken
			}
		}
	default:
		if t.last.Passed() && !t.reached {
			t.reached = true
			t.late = c.spec.Within > 0 && at.After(t.at.Add(c.spec.Within))
		}
	}
	if c.until != nil {
		t.waits = c.until.Ask(ctx, view)
		t.ended = t.waits.Passed()
	}
}

func (t *track) verdictLocked() Result {
	c := t.check
	fail := func(cause string, seen Text) Result {
		return Result{Outcome: Fail, Cause: cause, Seen: seen, Why: whyHistory.with()}
	}
	switch {
	case !t.started:
		r := fail("not-begun", t.waits.Seen)
		r.Progress, r.Why, r.Look = t.waits.Progress, t.waits.Why, t.waits.Look
		return r
	case t.broken != nil:
		r := fail("broken", onceSeen.with(t.broken.Seen))
		r.Look = lookReset
		return r
	case c.until != nil && !t.ended:
		r := fail("not-ended", t.waits.Seen)
		r.Progress, r.Why, r.Look = t.waits.Progress, t.waits.Why, t.waits.Look
		return r
	case t.late:
		r := fail("too-late", cameLate.with())
		r.Look = lookReset
		return r
	case (c.spec.Eventually != nil || c.spec.Before != nil) && !t.reached:
		r := fail("missing", t.last.Seen)
		r.Progress, r.Why, r.Look = t.last.Progress, t.last.Why, t.last.Look
		return r
	default:
		return Result{Outcome: Pass, Seen: t.last.Seen}
	}
}
