package store

import (
	"bytes"
	"errors"
	"iter"
)

// Scan reads a journal held in memory: how many of its bytes are whole frames, how many records they hold.
func Scan(data []byte) (whole int64, records int, err error) {
	whole, err = scan(bytes.NewReader(data), int64(len(data)), func(record) error { records++; return nil })
	return whole, records, err
}

var ErrTorn = errTorn

// Rewrite reads a journal and writes its records as a new one.
func Rewrite(data []byte) ([]byte, error) {
	var records []record
	if _, err := scan(bytes.NewReader(data), int64(len(data)), func(r record) error {
		records = append(records, r)
		return nil
	}); err != nil && !errors.Is(err, errTorn) {
		return nil, err
	}
	var out bytes.Buffer
	_, err := writeSnapshot(&out, func(yield func(record) bool) {
		for _, r := range records {
			if !yield(r) {
				return
			}
		}
	})
	return out.Bytes(), err
}

// FaultyJournal fails to append when told to.
type FaultyJournal struct {
	Fail    chan error // each append takes one answer
	Entered chan struct{}
}

func (f *FaultyJournal) Append([]Event) error {
	f.Entered <- struct{}{}
	return <-f.Fail
}
func (f *FaultyJournal) Replace(iter.Seq[record]) error { return nil }
func (f *FaultyJournal) Size() int64                    { return 0 }
func (f *FaultyJournal) Close() error                   { return nil }

// SetJournal replaces the journal of a fresh store.
func (m *Memory) SetJournal(f *FaultyJournal) { m.journal = f }
