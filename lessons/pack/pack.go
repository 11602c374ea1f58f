package pack

import (
	"errors"
	"io/fs"

	"drydock/checks"
)

// Policy says how freely a learner moves through a pack.
type Policy string

// The policies.
const (
	Free  Policy = "free"  // any lesson at any time
	Gated Policy = "gated" // a lesson opens when those it needs are done
	Exam  Policy = "exam"  // gated, and without hints
)

// Pack is a loaded pack. It is read-only and safe for use by several goroutines.
type Pack struct {
	ID        string
	Title     checks.Text
	Version   string
	Engine    string
	License   string
	Authors   []string
	Languages []string // the first is the one everything is written in
	Policy    Policy
	Tracks    []Track
	Images    []string

	Lessons []*Lesson // in the order of the tracks
	Digest  string    // over every file's name and content: "sha256:…"
}

// Track is a named sequence of lessons.
type Track struct {
	ID      string      `yaml:"id"`
	Title   checks.Text `yaml:"title"`
	Lessons []string    `yaml:"lessons"`
}

// Lesson is the lesson of an id, or nil.
func (p *Pack) Lesson(id string) *Lesson {
	for _, l := range p.Lessons {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// Load reads the pack at the root of fsys. The error is a Problems when the pack itself is wrong.
func Load(fsys fs.FS) (*Pack, error) { return nil, errors.New("not yet") }
