package cri

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// maxLine is how much of a line goes into one entry of the log; longer lines are split and marked, as containerd does.
const maxLine = 16 << 10

// logFile is a container's log in the CRI format, which the kubelet reads for "kubectl logs":
//
//	2026-11-20T13:12:05.000000001Z stdout F a whole line
//	2026-11-20T13:12:05.000000002Z stderr P the start of a line that is too lo
//	2026-11-20T13:12:05.000000002Z stderr F ng
type logFile struct {
	path string // set once

	mu sync.Mutex
	f  *os.File // guarded by mu
}

// openLog opens or makes the file; an empty path gives a log that forgets everything.
func openLog(path string) (*logFile, error) {
	l := &logFile{path: path}
	return l, l.reopen()
}

// reopen goes on in a new file after the kubelet has moved the old one away.
func (l *logFile) reopen() error {
	if l.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
		return fmt.Errorf("make log folder: %w", err)
	}
	// Under the lock, so that whoever sees the new file knows that nothing more is written to the old one.
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	if l.f != nil {
		l.f.Close()
	}
	l.f = f
	return nil
}

func (l *logFile) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}

// write adds entries in one piece. A full disk must not stop the container: what cannot be written is lost.
func (l *logFile) write(entries []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f != nil {
		_, _ = l.f.Write(entries)
	}
}

// lines cuts one stream into entries. It is owned by the goroutine that reads the stream.
type lines struct {
	log    *logFile
	stream string // "stdout" or "stderr"
	rest   []byte // the start of a line whose end has not come
	out    []byte
}

// Write implements io.Writer; it never fails.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	now := time.Now()
	l.out = l.out[:0]
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.rest = append(l.rest, p...)
			break
		}
		l.rest = append(l.rest, p[:i]...)
		l.split(now)
		l.entry(now, 'F', l.rest)
		l.rest, p = l.rest[:0], p[i+1:]
	}
	l.split(now)
	if len(l.out) > 0 {
		l.log.write(l.out)
	}
	return n, nil
}

// split writes the parts of a line that is longer than an entry may be.
func (l *lines) split(now time.Time) {
	for len(l.rest) > maxLine {
		l.entry(now, 'P', l.rest[:maxLine])
		l.rest = append(l.rest[:0], l.rest[maxLine:]...)
	}
}

// end writes what came after the last newline: a part, as containerd has it, since no newline may be added to it.
func (l *lines) end() {
	l.out = l.out[:0]
	if len(l.rest) > 0 {
		l.entry(time.Now(), 'P', l.rest)
		l.log.write(l.out)
		l.rest = nil
	}
}

func (l *lines) entry(now time.Time, tag byte, text []byte) {
	l.out = now.UTC().AppendFormat(l.out, time.RFC3339Nano)
	l.out = append(l.out, ' ')
	l.out = append(l.out, l.stream...)
	l.out = append(l.out, ' ', tag, ' ')
	l.out = append(l.out, text...)
	l.out = append(l.out, '\n')
}
