package course

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"drydock/checks"
	"drydock/lessons/journal"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
)

// Hint is a revealed hint.
type Hint struct {
	Level int // from 1; 0 is one computed from the state of the world
	Text  checks.Text
	// NextReveals is true when the hint after this one is the last: ask what was tried before showing it.
	NextReveals bool
}

// Priced is the error of asking for a hint that costs more than was offered; nothing was shown.
type Priced struct{ Cost float64 }

func (e *Priced) Error() string { return fmt.Sprintf("this hint costs %g points", e.Cost) }

// Hint reveals one more hint of a step; ErrNoMore when all are shown, or the pack is an exam. A hint that fits the state
// of the world right now comes before the next of the fixed ones. When it costs more points than price, it stays hidden and the
// error is a Priced; what was seen in an earlier attempt costs nothing more.
func (c *Course) Hint(_ context.Context, step string, price float64) (Hint, error) {
	a, err := c.open()
	if err != nil {
		return Hint{}, err
	}
	s := a.lesson.Step(step)
	if s == nil {
		return Hint{}, fmt.Errorf("there is no step %q", step)
	}
	c.mu.Lock()
	place := 0
	if c.Pack().Policy != pack.Exam {
		place = a.nextHintLocked(s)
	}
	if place > 0 {
		if cost := s.Hints[place-1].Cost; cost > price && !slices.Contains(a.before[step], place) {
			c.mu.Unlock()
			return Hint{}, &Priced{cost}
		}
		a.hints[step] = append(a.hints[step], place)
	}
	c.mu.Unlock()
	if place == 0 {
		return Hint{}, ErrNoMore
	}
	r := a.record(progress.Hinted)
	r.Step, r.Number = step, place
	err = errors.Join(c.cfg.Book.Add(r), c.write(a.entry(journal.Entry{Kind: journal.Hinted, Step: step, Place: place})))
	c.update(a) // the price is off the score
	return hintAt(s, place), err
}

// spentLocked are the points that hints have cost, in this attempt and those before.
func (a *attempt) spentLocked() float64 {
	spent := 0.0
	for i := range a.lesson.Steps {
		s := &a.lesson.Steps[i]
		for j, h := range s.Hints {
			if slices.Contains(a.hints[s.ID], j+1) || slices.Contains(a.before[s.ID], j+1) {
				spent += h.Cost
			}
		}
	}
	return spent
}

// nextHintLocked is the place of the hint to show next, from 1, or 0.
func (a *attempt) nextHintLocked(s *pack.Step) int {
	fixed := 0
	for i, h := range s.Hints {
		place := i + 1
		if slices.Contains(a.hints[s.ID], place) {
			continue
		}
		if h.When != nil && a.results[hintID(s.ID, place)].Passed() {
			return place
		}
		if h.When == nil && fixed == 0 {
			fixed = place
		}
	}
	return fixed
}

func hintAt(s *pack.Step, place int) Hint {
	h := Hint{Text: s.Hints[place-1].Text}
	level, total := 0, 0
	for i, other := range s.Hints {
		if other.When != nil {
			continue
		}
		total++
		if i < place {
			level = total
		}
	}
	if s.Hints[place-1].When == nil {
		h.Level = level
	}
	h.NextReveals = level == total-1
	return h
}

// Hints are the hints of a step that were shown, in the order in which they were, and how many fixed ones there are.
func (c *Course) Hints(step string) (shown []Hint, total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return nil, 0
	}
	s := c.current.lesson.Step(step)
	if s == nil || c.Pack().Policy == pack.Exam {
		return nil, 0
	}
	for _, h := range s.Hints {
		if h.When == nil {
			total++
		}
	}
	for _, place := range c.current.hints[step] {
		if place <= len(s.Hints) {
			shown = append(shown, hintAt(s, place))
		}
	}
	return shown, total
}
