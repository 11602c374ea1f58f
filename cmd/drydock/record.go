package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"

	"drydock/lessons/journal"
	"drydock/lessons/progress"
)

// learnerVariable names the learner as --learner does.
const learnerVariable = "DRYDOCK_LEARNER"

// record is what a learner has done: the book of all labs, and the journal of one.
type record struct {
	book    *progress.Book
	journal *journal.Journal
}

// openRecord opens the record of a learner in a lab. The first id given is kept; a random one is until then.
func (a *app) openRecord(p place, lab string) (*record, error) {
	book, err := a.openBook(p)
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(filepath.Join(p.home.Progress(), "journal"), book.Learner(), lab)
	if err != nil {
		return nil, errors.Join(err, book.Close())
	}
	return &record{book, j}, nil
}

// openBook opens the book alone: where nobody can hand in what was done there is no journal.
func (a *app) openBook(p place) (*progress.Book, error) {
	book, err := progress.Open(p.home.Progress())
	if err != nil {
		return nil, err
	}
	if id := cmp.Or(a.learner, os.Getenv(learnerVariable)); id != "" {
		if err := book.Become(id); err != nil {
			if errors.Is(err, progress.ErrID) {
				err = usage("%w", err)
			}
			return nil, errors.Join(err, book.Close())
		}
	}
	return book, nil
}

// close lets go of the files.
func (r *record) close() error { return errors.Join(r.journal.Close(), r.book.Close()) }
