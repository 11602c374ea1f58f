package kubelet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// logReader reads a log line by line and, when it follows, goes on in the file that a rotation puts in its place.
type logReader struct {
	path    string
	watcher *logWatcher
	file    *os.File
	in      *bufio.Reader
	partial []byte          // the start of a line whose end has not been written yet
	grown   <-chan struct{} // there may be more; nil: the end is the end
	cancel  func()
}

// openLog opens a log; close must follow.
func (k *Kubelet) openLog(path string, follow bool) (*logReader, error) {
	l := &logReader{path: path, watcher: k.logs, cancel: func() {}}
	if err := l.open(follow); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *logReader) open(follow bool) error {
	file, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("failed to try resolving symlinks in path %q: %w", l.path, err)
	}
	l.file, l.in = file, bufio.NewReader(file)
	if !follow {
		return nil
	}
	// Watch before reading: what is written after the end was seen must wake us.
	grown, cancel, err := l.watcher.watch(l.path)
	if err != nil {
		return errors.Join(fmt.Errorf("watch log %s: %w", l.path, err), file.Close())
	}
	l.grown, l.cancel = grown, cancel
	return nil
}

func (l *logReader) close() {
	l.cancel()
	l.file.Close()
}

// each calls print with every whole line that is left.
func (l *logReader) each(print func([]byte) error) error {
	for {
		piece, err := l.in.ReadBytes('\n')
		l.partial = append(l.partial, piece...)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read log %s: %w", l.path, err)
		}
		if err := print(l.partial); err != nil {
			return err
		}
		l.partial = l.partial[:0]
	}
}

// hasSuccessor says whether the log has been rotated, and the container writes to a new file.
func (l *logReader) hasSuccessor() bool {
	mine, err := l.file.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(l.path) // missing for the moment of the rotation itself
	return err == nil && !os.SameFile(mine, now)
}

// goOn opens the new file.
func (l *logReader) goOn() error {
	l.close()
	return l.open(true)
}
