package course

import (
	"context"
	"errors"
	"slices"
	"time"

	"drydock/engine/audit"
	"drydock/lessons/journal"
	"drydock/lessons/pack"
)

// write appends to the journal, if there is one, what a person did: behind what the picture that they saw was made of.
func (c *Course) write(entries ...journal.Entry) error {
	c.telling.Lock()
	defer c.telling.Unlock()
	return c.append(entries...)
}

func (c *Course) append(entries ...journal.Entry) error {
	if c.cfg.Journal == nil || len(entries) == 0 {
		return nil
	}
	return c.cfg.Journal.Append(entries...)
}

// entry completes an entry with the attempt that it is about.
func (a *attempt) entry(e journal.Entry) journal.Entry {
	return about(e, a.lesson, a.marker)
}

func about(e journal.Entry, lesson *pack.Lesson, m marker) journal.Entry {
	e.Time, e.Pack, e.Lesson, e.Revision, e.Attempt = now(), m.Pack, m.Lesson, lesson.Revision, m.Attempt
	return e
}

// began notes a new attempt. What was typed before its world stood belongs to what came before.
func (c *Course) began(lesson *pack.Lesson, m marker, again bool) error {
	if err := c.CatchUp(); err != nil {
		return err
	}
	e := about(journal.Entry{Kind: journal.Opened, Digest: lesson.Pack().Digest, Seed: m.Seed, Place: m.Typed}, lesson, m)
	if again {
		e.Kind = journal.Reset
	}
	return c.write(e)
}

// Restored notes that the lab went back to something: a snapshot, or before the last command.
func (c *Course) Restored(to string) error {
	if err := c.CatchUp(); err != nil {
		return err
	}
	return c.write(journal.Entry{Kind: journal.Restored, Value: to})
}

// verdicts are what the journal says of the goals of an attempt.
func (c *Course) verdicts(attempt string) (map[string]string, error) {
	out := map[string]string{}
	if c.cfg.Journal == nil {
		return out, nil
	}
	entries, err := c.cfg.Journal.Entries()
	for _, e := range entries {
		if e.Kind == journal.Verdict && e.Attempt == attempt {
			out[e.Goal] = e.Value
		}
	}
	return out, err
}

// verdictsLocked are entries for the goals whose verdict is another than the journal says.
func (a *attempt) verdictsLocked(s *State) []journal.Entry {
	if a.course.cfg.Journal == nil {
		return nil
	}
	var out []journal.Entry
	for _, g := range s.Goals {
		word, ok := map[Mark]string{Done: "pass", Failed: "fail"}[g.Mark]
		if !ok || a.noted[g.Goal.ID] == word {
			continue
		}
		a.noted[g.Goal.ID] = word
		out = append(out, a.entry(journal.Entry{Kind: journal.Verdict, Goal: g.Goal.ID, Value: word}))
	}
	return out
}

// putAsideWithin bounds how long the objects of a finished lesson may take to be read: the checks wait meanwhile.
const putAsideWithin = 5 * time.Second

// journalize writes what became known, behind what led to it. What cannot be written is told in the picture.
func (c *Course) journalize(a *attempt, entries []journal.Entry) {
	if len(entries) == 0 {
		return
	}
	if err := errors.Join(c.CatchUp(), c.append(entries...)); err != nil {
		c.troubled(a, err)
	}
}

// keepMade puts aside what the learner made, once the lesson is finished.
func (c *Course) keepMade(a *attempt) {
	ctx, stop := context.WithTimeout(context.Background(), putAsideWithin)
	defer stop()
	if err := c.PutAside(ctx); err != nil {
		c.troubled(a, err)
	}
}

// CatchUp takes into the journal what was typed in the lab's shell and what the lab noted of people's changes since the
// last time, in the order of their times.
func (c *Course) CatchUp() error {
	if c.cfg.Journal == nil {
		return nil
	}
	var failed error
	err := c.cfg.Journal.Update(func(known []journal.Entry) []journal.Entry {
		changes, err := c.newChanges(known)
		failed = err
		all := append(newCommands(known, c.typed()), changes...)
		slices.SortStableFunc(all, func(a, b journal.Entry) int { return a.Time.Compare(b.Time) })
		return all
	})
	return errors.Join(err, failed)
}

// newCommands are the commands that the journal does not have yet. A history that became shorter was cut by the shell or
// made anew: then the times tell.
func newCommands(known []journal.Entry, typed []command) []journal.Entry {
	last, at := 0, time.Time{}
	for _, e := range known {
		if e.Kind == journal.Typed && e.Source == "" {
			last, at = e.Place, e.Time
		}
	}
	cut := len(typed) < last
	var out []journal.Entry
	for i, t := range typed {
		if cut && !t.at.After(at) || !cut && i < last {
			continue
		}
		when := t.at
		if when.IsZero() {
			when = now()
		}
		out = append(out, journal.Entry{Kind: journal.Typed, Time: when, Value: t.text, Place: i + 1})
	}
	return out
}

// newChanges are the people's changes that the journal does not have yet.
func (c *Course) newChanges(known []journal.Entry) ([]journal.Entry, error) {
	if c.cfg.Notes == "" {
		return nil, nil
	}
	source, after := "", 0
	for _, e := range known {
		if e.Kind == journal.Wrote {
			source, after = e.Source, e.Place
		}
	}
	id, notes, err := audit.Read(c.cfg.Notes, source, after)
	var out []journal.Entry
	for _, n := range notes {
		out = append(out, journal.Entry{Kind: journal.Wrote, Time: n.Time, Value: n.String(), Source: id, Place: n.Place})
	}
	return out, err
}

// PutAside keeps the objects that the learner made in the lesson that is open, beside the journal.
func (c *Course) PutAside(ctx context.Context) error {
	a, err := c.open()
	if errors.Is(err, ErrNoLesson) || c.cfg.Journal == nil {
		return nil
	} else if err != nil {
		return err
	}
	objects, err := c.Made(ctx)
	if err != nil {
		return err
	}
	text, err := Manifests(objects)
	if err != nil {
		return err
	}
	return c.cfg.Journal.Keep(a.entry(journal.Entry{}), text)
}
