package progress

import (
	"slices"
	"strings"
	"time"
)

// Standing is what a learner has done of one lesson, over all attempts.
type Standing struct {
	Started  bool
	Finished bool // in the revision asked for
	Stale    bool // finished only in an older revision
	Score    int  // the best of that revision, in percent
}

// Attempt is what was done in one attempt at a lesson.
type Attempt struct {
	ID      string
	Passed  map[string]bool      // goals
	Times   map[string]time.Time // when they were reached
	Answers map[string]string    // the last answer to each goal
	Hints   map[string][]int     // the hints shown of each step, by their place
	Done    bool
}

// Standing sums up the records of a lesson.
func (b *Book) Standing(pack, lesson string, revision int) (Standing, error) {
	records, err := b.Records()
	if err != nil {
		return Standing{}, err
	}
	var s Standing
	older := false
	for _, r := range records {
		if r.Pack != pack || r.Lesson != lesson {
			continue
		}
		s.Started = true
		if r.Kind != Finished {
			continue
		}
		if r.Revision != revision {
			older = true
			continue
		}
		s.Finished, s.Score = true, max(s.Score, r.Number)
	}
	s.Stale = older && !s.Finished
	return s, nil
}

// Hinted are the hints of a lesson that were shown in any attempt at this revision, by step and place: who begins anew knows
// them still.
func (b *Book) Hinted(pack, lesson string, revision int) (map[string][]int, error) {
	records, err := b.Records()
	if err != nil {
		return nil, err
	}
	out := map[string][]int{}
	for _, r := range records {
		if r.Kind == Hinted && r.Pack == pack && r.Lesson == lesson && r.Revision == revision && !slices.Contains(out[r.Step], r.Number) {
			out[r.Step] = append(out[r.Step], r.Number)
		}
	}
	return out, nil
}

// Attempt sums up the records of one attempt.
func (b *Book) Attempt(id string) (Attempt, error) {
	records, err := b.Records()
	if err != nil {
		return Attempt{}, err
	}
	a := Attempt{
		ID: id, Passed: map[string]bool{}, Times: map[string]time.Time{}, Answers: map[string]string{}, Hints: map[string][]int{},
	}
	for _, r := range records {
		if r.Attempt != id {
			continue
		}
		switch r.Kind {
		case Passed:
			if !a.Passed[r.Goal] {
				a.Passed[r.Goal], a.Times[r.Goal] = true, r.Time
			}
		case Answered:
			a.Answers[r.Goal] = strings.ToValidUTF8(r.Value, "?")
		case Hinted:
			if !slices.Contains(a.Hints[r.Step], r.Number) {
				a.Hints[r.Step] = append(a.Hints[r.Step], r.Number)
			}
		case Finished:
			a.Done = true
		}
	}
	return a, nil
}
