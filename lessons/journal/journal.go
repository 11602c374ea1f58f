package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"drydock/lessons/lockfile"
)

// Journal is the journal of one learner in one lab. Safe for use by several goroutines and several processes.
type Journal struct {
	// set once in Open
	path         string
	learner, lab string

	mu sync.Mutex
	// guarded by mu
	file    *os.File
	lock    *os.File
	read    int64 // how far the file was read
	entries []Entry
	number  int    // of the last entry
	head    string // its sum
}

// Path is where the journal of a learner in a lab lies below a folder.
func Path(dir, learner, lab string) string { return filepath.Join(dir, learner, lab+".jsonl") }

// Open opens the journal of a learner in a lab, and makes it if there is none.
func Open(dir, learner, lab string) (*Journal, error) {
	j := &Journal{path: Path(dir, learner, lab), learner: learner, lab: lab}
	if err := j.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal %s: %w", j.path, err), j.Close())
	}
	return j, nil
}

func (j *Journal) open() (err error) {
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return err
	}
	if j.lock, err = os.OpenFile(j.path+".lock", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return err
	}
	return j.Update(func(known []Entry) []Entry {
		if len(known) > 0 {
			return nil
		}
		return []Entry{{Kind: Begun}}
	})
}

// Close lets go of the files.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	for _, f := range []*os.File{j.file, j.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// Learner is whose journal it is.
func (j *Journal) Learner() string { return j.learner }

// Append writes entries behind the last one and returns when they are on the disk. A zero Time is filled in.
func (j *Journal) Append(entries ...Entry) error {
	return j.Update(func([]Entry) []Entry { return entries })
}

// Update appends what next makes of the entries known so far, its own and those of other processes. Nobody else can
// append in between. next must not keep or change what it is given.
func (j *Journal) Update(next func(known []Entry) []Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := lockfile.Lock(j.lock); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	defer lockfile.Unlock(j.lock)
	if err := j.catchUpLocked(true); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := j.appendLocked(next(slices.Clip(j.entries))); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// Entries returns everything that can be read, oldest first; Read tells whether it fits together.
func (j *Journal) Entries() ([]Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.catchUpLocked(false); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return slices.Clip(j.entries), nil
}

// Bytes is the journal as it lies on the disk, without a torn last line.
func (j *Journal) Bytes() ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	data, err := io.ReadAll(io.NewSectionReader(j.file, 0, 1<<40))
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	return data[:bytes.LastIndexByte(data, '\n')+1], nil
}

// catchUpLocked reads what was appended since the last time. With the lock file held, a last line without its end can
// only be torn, and is cut off; without it, another process may be writing it at this moment.
func (j *Journal) catchUpLocked(locked bool) error {
	rest, err := io.ReadAll(io.NewSectionReader(j.file, j.read, 1<<40))
	if err != nil {
		return err
	}
	whole := rest[:bytes.LastIndexByte(rest, '\n')+1]
	for line := range bytes.Lines(whole) {
		e, sum, err := parse(bytes.TrimSuffix(line, []byte("\n")))
		j.head = sum
		j.number++ // a line that cannot be read is one too
		if err == nil {
			j.number = e.Number
			j.entries = append(j.entries, e)
		}
	}
	j.read += int64(len(whole))
	if locked && len(whole) < len(rest) {
		return j.file.Truncate(j.read)
	}
	return nil
}

// appendLocked writes all lines in one call and waits for the disk. The lock file is held.
func (j *Journal) appendLocked(entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var lines bytes.Buffer
	number, head := j.number, j.head
	added := slices.Clone(entries)
	for i := range added {
		number++
		j.sign(&added[i], number, head)
		line, sum, err := format(added[i])
		if err != nil {
			return err
		}
		lines.Write(line)
		head = sum
	}
	if _, err := j.file.Write(lines.Bytes()); err != nil {
		return errors.Join(err, j.file.Truncate(j.read)) // half a line is worse than none
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.read += int64(lines.Len())
	j.number, j.head = number, head
	j.entries = append(j.entries, added...)
	return nil
}

// sign gives an entry its place in the chain.
func (j *Journal) sign(e *Entry, number int, before string) {
	e.Number, e.Before, e.Learner, e.Lab = number, before, j.learner, j.lab
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC()
	if len(e.Value) > largestValue {
		e.Value = e.Value[:largestValue]
	}
}

// largestValue bounds what one entry tells, in bytes.
const largestValue = 64 << 10
