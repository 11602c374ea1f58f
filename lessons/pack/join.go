package pack

import "fmt"

// Join is one view of several packs, one behind the other: the tracks and lessons of all of them. Each lesson stays one of
// its own pack, which Lesson.Pack tells; what is kept about a learner is kept under that. The policy is that of the first.
// The error names a lesson that two of the packs have.
func Join(first *Pack, more ...*Pack) (*Pack, error) {
	if len(more) == 0 {
		return first, nil
	}
	all := *first
	all.Tracks, all.Lessons = nil, nil
	for _, p := range append([]*Pack{first}, more...) {
		for _, l := range p.Lessons {
			if other := all.Lesson(l.ID); other != nil {
				return nil, fmt.Errorf("the packs %s and %s both have a lesson %s", other.packID, p.ID, l.ID)
			}
			all.Lessons = append(all.Lessons, l)
		}
		all.Tracks = append(all.Tracks, p.Tracks...)
	}
	return &all, nil
}

// Pack is the pack that the lesson belongs to.
func (l *Lesson) Pack() *Pack { return l.pack }
