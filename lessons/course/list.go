package course

import (
	"drydock/checks"
	"drydock/lessons/pack"
)

// LessonInfo is a line in the list of lessons.
type LessonInfo struct {
	Lesson   *pack.Lesson
	Track    checks.Text
	Started  bool
	Finished bool     // every goal was reached once, in this revision
	Stale    bool     // finished in an older revision
	Score    int      // the best, in percent
	Needs    []string // lessons to finish before it opens; empty when it is open
}

// Lessons lists the pack's lessons with what the learner has done of each.
func (c *Course) Lessons() ([]LessonInfo, error) {
	var out []LessonInfo
	for _, l := range c.Pack().Lessons {
		s, err := c.cfg.Book.Standing(l.Pack().ID, l.ID, l.Revision)
		if err != nil {
			return nil, err
		}
		needs, err := c.missing(l)
		if err != nil {
			return nil, err
		}
		out = append(out, LessonInfo{
			Lesson: l, Track: c.Pack().Track(l.ID).Title, Started: s.Started, Finished: s.Finished, Stale: s.Stale,
			Score: s.Score, Needs: needs,
		})
	}
	return out, nil
}

// missing are the lessons to finish before another opens. In a free pack there are none.
func (c *Course) missing(l *pack.Lesson) ([]string, error) {
	if c.Pack().Policy == pack.Free {
		return nil, nil
	}
	var out []string
	for _, id := range l.Needs {
		need := c.Pack().Lesson(id)
		s, err := c.cfg.Book.Standing(need.Pack().ID, id, need.Revision)
		if err != nil {
			return nil, err
		}
		if !s.Finished {
			out = append(out, id)
		}
	}
	return out, nil
}
