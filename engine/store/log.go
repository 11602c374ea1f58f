package store

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// journal is where batches are made durable. Its methods are called by one goroutine at a time.
type journal interface {
	// Append returns when the events would survive the death of this process; after an error none of them is kept.
	Append(events []Event) error
	// Replace makes the journal hold just these records.
	Replace(records iter.Seq[record]) error
	// Size is the length of the journal in bytes.
	Size() int64
	Close() error
}

// noJournal forgets everything.
type noJournal struct{}

func (noJournal) Append([]Event) error           { return nil }
func (noJournal) Replace(iter.Seq[record]) error { return nil }
func (noJournal) Size() int64                    { return 0 }
func (noJournal) Close() error                   { return nil }

// log is the journal in a file.
type log struct {
	path string // set once
	sync bool   // set once

	file   *os.File
	size   int64  // the length of the whole frames; what is beyond is ours to overwrite
	buf    []byte // reused from one Append to the next
	broken error  // why nothing can be appended any more
}

// openLog opens the journal at path, makes it if it is absent, passes its records to replay and cuts a torn tail.
// A journal belongs to one process at a time.
func openLog(path string, sync bool, replay func(record) error) (_ *log, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if err := lock(file); err != nil {
		return nil, err
	}
	l := &log{path: path, sync: sync, file: file}
	if err := l.load(replay); err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return l, nil
}

// lock takes the journal for this process. flock(2): the lock goes when the file is closed, also by kill -9.
func lock(file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("lock journal %s: another process has it open", file.Name())
	}
	if err != nil {
		return fmt.Errorf("lock journal %s: %w", file.Name(), err)
	}
	return nil
}

func (l *log) load(replay func(record) error) error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	l.size, err = scan(l.file, info.Size(), replay)
	if err != nil && !errors.Is(err, errTorn) {
		return err
	}
	// Cut before the first append: its frame may be shorter than the torn tail, whose rest would then look like damage.
	if err := l.file.Truncate(l.size); err != nil {
		return fmt.Errorf("cut torn tail: %w", err)
	}
	if l.size == 0 {
		return l.extend([]byte(magic))
	}
	return nil
}

// Append implements journal.
func (l *log) Append(events []Event) error {
	if l.broken != nil {
		return l.broken
	}
	l.buf = startFrame(l.buf[:0])
	for _, e := range events {
		l.buf = appendRecord(l.buf, eventRecord(e))
	}
	endFrame(l.buf, 0)
	err := l.extend(l.buf)
	if cap(l.buf) > 1<<20 {
		l.buf = nil
	}
	return err
}

// extend writes one piece at the end, wholly or not at all.
func (l *log) extend(piece []byte) error {
	_, err := l.file.WriteAt(piece, l.size)
	if err == nil && l.sync {
		err = unix.Fdatasync(int(l.file.Fd()))
	}
	if err == nil {
		l.size += int64(len(piece))
		return nil
	}
	err = fmt.Errorf("append to journal: %w", err)
	// The caller takes the writes back and says so to its clients; the file must not remember them either.
	if cut := l.file.Truncate(l.size); cut != nil {
		l.broken = errors.Join(err, fmt.Errorf("cut unfinished write: %w", cut))
	}
	return err
}

// Size implements journal.
func (l *log) Size() int64 { return l.size }

// Close implements journal.
func (l *log) Close() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// Replace implements journal. The new file takes the old one's name only when it is complete, so a crash at any moment
// leaves one of the two.
func (l *log) Replace(records iter.Seq[record]) error {
	file, size, err := newLog(l.path, records)
	if err != nil {
		return fmt.Errorf("make snapshot: %w", err)
	}
	l.file.Close() // releases the lock of a file without a name
	l.file, l.size = file, size
	return syncDir(filepath.Dir(l.path))
}

// newLog makes a journal of records and gives it the name path.
func newLog(path string, records iter.Seq[record]) (_ *os.File, size int64, err error) {
	file, err := os.OpenFile(path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}()
	if err := lock(file); err != nil {
		return nil, 0, err
	}
	if size, err = writeSnapshot(file, records); err != nil {
		return nil, 0, err
	}
	// Always synced, whatever Options.Sync: the old file, whose writes may long be on disk, is about to go.
	if err := file.Sync(); err != nil {
		return nil, 0, err
	}
	return file, size, os.Rename(file.Name(), path)
}

// snapshotFrame is about how large the frames of a snapshot are.
const snapshotFrame = 1 << 20

func writeSnapshot(out io.Writer, records iter.Seq[record]) (size int64, err error) {
	write := func(piece []byte) error {
		size += int64(len(piece))
		_, err := out.Write(piece)
		return err
	}
	if err := write([]byte(magic)); err != nil {
		return 0, err
	}
	buf := startFrame(nil)
	for r := range records {
		if buf = appendRecord(buf, r); len(buf) < snapshotFrame {
			continue
		}
		endFrame(buf, 0)
		if err := write(buf); err != nil {
			return 0, err
		}
		buf = startFrame(buf[:0])
	}
	endFrame(buf, 0)
	return size, write(buf)
}

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
