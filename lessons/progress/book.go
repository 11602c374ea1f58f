package progress

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"drydock/lessons/lockfile"
)

// Kind is a sort of record.
type Kind string

// The kinds of records.
const (
	Learner  Kind = "learner"  // who this is from here on (Value is the id); the first record has a random one
	Named    Kind = "named"    // what people call the learner (Value), asked for once
	Opened   Kind = "opened"   // a lesson's world was built: a new Attempt begins
	Passed   Kind = "passed"   // a goal was reached
	Answered Kind = "answered" // Value is the answer
	Hinted   Kind = "hinted"   // Number is the hint's place in Step, from 1
	Finished Kind = "finished" // every goal that must be reached was; Number is the score in percent
)

// Record is one thing that happened.
type Record struct {
	Time     time.Time `json:"time"`
	Kind     Kind      `json:"kind"`
	Pack     string    `json:"pack,omitempty"`
	Lesson   string    `json:"lesson,omitempty"`
	Revision int       `json:"revision,omitempty"`
	Attempt  string    `json:"attempt,omitempty"`
	Lab      string    `json:"lab,omitempty"`
	Step     string    `json:"step,omitempty"`
	Goal     string    `json:"goal,omitempty"`
	Value    string    `json:"value,omitempty"`
	Number   int       `json:"number,omitempty"`
}

const (
	logName  = "log.jsonl"
	lockName = "lock"
)

// Book is a learner's record on disk. Safe for use by several goroutines and several processes.
type Book struct {
	// set once in Open
	dir string

	mu sync.Mutex
	// guarded by mu
	log     *os.File
	lock    *os.File
	read    int64 // how far the log was read
	records []Record
	lost    int
	learner string // the last of the records
}

// Open opens the Book in a folder and makes it if there is none.
func Open(dir string) (*Book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the learner's record: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the learner's record: %w", err)
	}
	b := &Book{dir: dir, lock: lock}
	if err := b.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the learner's record in %s: %w", dir, err), b.Close())
	}
	return b, nil
}

// begin opens the log, cuts a torn tail, and gives a new Book its learner.
func (b *Book) begin() error {
	if err := lockfile.Lock(b.lock); err != nil {
		return err
	}
	defer lockfile.Unlock(b.lock)
	fresh, err := b.openLog()
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.catchUpLocked(true); err != nil {
		return err
	}
	if b.learner != "" {
		return nil
	}
	if err := b.appendLocked(Record{Time: time.Now().UTC(), Kind: Learner, Value: rand.Text()}); err != nil {
		return err
	}
	if fresh {
		return syncDir(b.dir) // the file's name must survive as well as its content
	}
	return nil
}

func (b *Book) openLog() (fresh bool, err error) {
	name := filepath.Join(b.dir, logName)
	_, err = os.Stat(name)
	fresh = errors.Is(err, fs.ErrNotExist)
	b.log, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	return fresh, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Close lets go of the files.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	for _, f := range []*os.File{b.log, b.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// Learner is the id that stays with the Book: a random one, until Become gives it another. It seeds the parameters of
// lessons, so that it must not change in the middle of one.
func (b *Book) Learner() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.learner
}

// ErrID is the error of an id that cannot be used as one.
var ErrID = errors.New("a learner's id has 1 to 64 letters, digits and ._@-, and begins with a letter or a digit")

var learnerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// Become gives the learner an id from outside, such as a number that the teacher knows. What was recorded stays.
func (b *Book) Become(id string) error {
	if !learnerID.MatchString(id) {
		return fmt.Errorf("%q: %w", id, ErrID)
	}
	if id == b.Learner() {
		return nil
	}
	return b.Add(Record{Kind: Learner, Value: id})
}

// Name is what people call the learner, "" when nobody said it.
func (b *Book) Name() (string, error) {
	records, err := b.Records()
	for _, r := range slices.Backward(records) {
		if r.Kind == Named {
			return r.Value, err
		}
	}
	return "", err
}

// Add appends a record and returns when it is on the disk. A zero Time is filled in.
func (b *Book) Add(r Record) error {
	if r.Time.IsZero() {
		r.Time = time.Now().UTC()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := lockfile.Lock(b.lock); err != nil {
		return fmt.Errorf("record what was done: %w", err)
	}
	defer lockfile.Unlock(b.lock)
	if err := b.catchUpLocked(true); err != nil {
		return fmt.Errorf("record what was done: %w", err)
	}
	if err := b.appendLocked(r); err != nil {
		return fmt.Errorf("record what was done: %w", err)
	}
	return nil
}

// Records returns everything recorded, by this process and others, oldest first.
func (b *Book) Records() ([]Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.catchUpLocked(false); err != nil {
		return nil, fmt.Errorf("read the learner's record: %w", err)
	}
	return b.records[:len(b.records):len(b.records)], nil
}

// Lost says how many lines could not be read: damaged in place, not merely torn at the end. What they said is gone;
// the lines themselves stay in the file.
func (b *Book) Lost() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

// catchUpLocked reads what was appended since the last time. With the lock file held, a last line without its end can
// only be torn, and is cut off; without it, another process may be writing it at this moment, and it is left alone.
func (b *Book) catchUpLocked(locked bool) error {
	rest, err := io.ReadAll(io.NewSectionReader(b.log, b.read, 1<<40))
	if err != nil {
		return err
	}
	whole := rest[:bytes.LastIndexByte(rest, '\n')+1]
	for line := range bytes.Lines(whole) {
		r, err := parseLine(line)
		if err != nil {
			b.lost++
			continue
		}
		b.takeLocked(r)
	}
	b.read += int64(len(whole))
	if locked && len(whole) < len(rest) {
		return b.log.Truncate(b.read)
	}
	return nil
}

// appendLocked writes one line in one call and waits for the disk. The lock file is held.
func (b *Book) appendLocked(r Record) error {
	line, err := formatLine(r)
	if err != nil {
		return err
	}
	if _, err := b.log.Write(line); err != nil {
		return errors.Join(err, b.log.Truncate(b.read)) // half a line is worse than none
	}
	if err := b.log.Sync(); err != nil {
		return err
	}
	b.read += int64(len(line))
	b.takeLocked(r)
	return nil
}

func (b *Book) takeLocked(r Record) {
	if r.Kind == Learner && learnerID.MatchString(r.Value) {
		b.learner = r.Value
	}
	b.records = append(b.records, r)
}
