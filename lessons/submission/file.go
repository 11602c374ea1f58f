// Package submission packs what a learner did into one file, holds such a file against itself, and makes of it what
// `drydock grade` replays.
//
// A File is a gzipped tar archive: submission.json says who did which lessons of which packs and what came of it,
// journal.jsonl is the audit journal (package journal), objects/ holds what the learner made in each lesson, and files/
// what lies in the learner's folder. The same work gives the same bytes.
//
// Verify names what does not fit together. Nothing in a file is believed beyond that: Unfold turns it into a folder of a
// script, answers and files, which is replayed in a fresh lab like any other submission.
package submission

import (
	"slices"
	"time"

	"drydock/lessons/journal"
)

// Format is the version of the file.
const Format = 1

// File is a learner's work.
type File struct {
	About   About
	Journal []byte            // as it lies on the learner's disk
	Objects map[string][]byte // by lesson
	Files   map[string][]byte // by path in the learner's folder
}

// About is submission.json.
type About struct {
	Format  int      `json:"format"`
	Tool    string   `json:"tool"` // "drydock v0.1.0"
	Learner string   `json:"learner"`
	Name    string   `json:"name,omitempty"` // what people call the learner
	Lab     string   `json:"lab"`
	Lessons []Lesson `json:"lessons"`
	// Entries and Head are how long the journal was and the sum of its last entry: an end that was cut off shows.
	Entries int               `json:"journalEntries"`
	Head    string            `json:"journalHead"`
	Digests map[string]string `json:"digests"`           // of everything else in the file
	LeftOut []string          `json:"leftOut,omitempty"` // of the learner's folder, with the reason
}

// Lesson is one attempt at a lesson and what came of it, as the learner's own drydock saw it.
type Lesson struct {
	Lesson     string               `json:"lesson"`
	Revision   int                  `json:"revision"`
	Pack       string               `json:"pack"`
	PackDigest string               `json:"packDigest"`
	Seed       string               `json:"seed"`
	Attempt    string               `json:"attempt"`
	Opened     time.Time            `json:"opened"`
	Finished   bool                 `json:"finished"`
	Score      int                  `json:"score"` // in percent, when finished
	Reached    map[string]time.Time `json:"reached,omitempty"`
	Answers    map[string]string    `json:"answers,omitempty"`
	Hints      int                  `json:"hints,omitempty"`
}

// Lesson is what is said of a lesson, or nil.
func (f *File) Lesson(id string) *Lesson {
	for i := range f.About.Lessons {
		if f.About.Lessons[i].Lesson == id {
			return &f.About.Lessons[i]
		}
	}
	return nil
}

// Who is the learner as people say it.
func (f *File) Who() string {
	if f.About.Name != "" {
		return f.About.Name + " (" + f.About.Learner + ")"
	}
	return f.About.Learner
}

// during are the entries of an attempt: from its opening to the next one.
func during(entries []journal.Entry, attempt string) []journal.Entry {
	opens := func(e journal.Entry) bool { return e.Kind == journal.Opened || e.Kind == journal.Reset }
	first := slices.IndexFunc(entries, func(e journal.Entry) bool { return opens(e) && e.Attempt == attempt })
	if first < 0 {
		return nil
	}
	rest := entries[first+1:]
	if next := slices.IndexFunc(rest, opens); next >= 0 {
		rest = rest[:next]
	}
	return entries[first : first+1+len(rest)]
}
