package cri

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"drydock/sandbox/container"
)

// streams carry a container's input and output: pipes or a terminal on one side; the log and whoever is attached on the
// other.
type streams struct {
	// set once in newStreams
	tty       bool
	stdinOnce bool
	log       *logFile
	child     container.Stdio // the container's ends, closed by begin
	out, err  *os.File        // our ends; nil with a terminal

	reading sync.WaitGroup // the goroutines that read output

	mu sync.Mutex
	// guarded by mu
	stdin    io.WriteCloser // nil without one, and after it was closed
	terminal *os.File
	watchers map[*watcher]bool
	ended    bool // all output was read
}

// watcher is one attached client.
type watcher struct {
	out, err io.Writer     // nil when not wanted
	gone     chan struct{} // closed when the output has ended, or a write to the client failed
	once     sync.Once
}

func (w *watcher) leave() { w.once.Do(func() { close(w.gone) }) }

// newStreams opens the log and makes the pipes.
func newStreams(c *ctr) (s *streams, err error) {
	s = &streams{tty: c.config.GetTty(), stdinOnce: c.config.GetStdinOnce(), watchers: map[*watcher]bool{}}
	if s.log, err = openLog(c.logPath); err != nil {
		return nil, err
	}
	if s.tty {
		return s, nil
	}
	var errs [3]error
	s.out, s.child.Out, errs[0] = os.Pipe()
	s.err, s.child.Err, errs[1] = os.Pipe()
	if c.config.GetStdin() {
		var w *os.File
		s.child.In, w, errs[2] = os.Pipe()
		s.stdin = w
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(fmt.Errorf("make pipes: %w", err), s.close())
	}
	return s, nil
}

// begin starts copying once the process exists. From here on the pipes end when the last process that has them ends.
func (s *streams) begin(process *container.Container) {
	s.closeChild()
	if s.tty {
		terminal := process.Terminal()
		s.mu.Lock()
		s.terminal, s.stdin = terminal, noClose{terminal}
		s.mu.Unlock()
		s.reading.Go(func() { s.copy(terminal, "stdout") })
		return
	}
	s.reading.Go(func() { s.copy(s.out, "stdout") })
	s.reading.Go(func() { s.copy(s.err, "stderr") })
}

// noClose keeps an attached client that goes away from closing the terminal under the container.
type noClose struct{ io.Writer }

func (noClose) Close() error { return nil }

func (s *streams) closeChild() {
	for _, f := range []*os.File{s.child.In, s.child.Out, s.child.Err} {
		if f != nil {
			f.Close()
		}
	}
}

// copy reads one output until its end. A terminal whose last user is gone gives EIO instead of an end (pty(7)); to us it is
// one.
func (s *streams) copy(from *os.File, stream string) {
	l := &lines{log: s.log, stream: stream}
	buf := make([]byte, maxLine)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_, _ = l.Write(buf[:n])
			s.pass(buf[:n], stream == "stderr")
		}
		if err != nil {
			l.end()
			return
		}
	}
}

// pass hands output to the attached clients. One that cannot take it is dropped.
func (s *streams) pass(p []byte, isErr bool) {
	s.mu.Lock()
	watchers := make([]*watcher, 0, len(s.watchers))
	for w := range s.watchers {
		watchers = append(watchers, w)
	}
	s.mu.Unlock()
	for _, w := range watchers {
		to := w.out
		if isErr {
			to = w.err
		}
		if to == nil {
			continue
		}
		if _, err := to.Write(p); err != nil {
			s.detach(w)
		}
	}
}

// attach adds a client. Output from before is in the log.
func (s *streams) attach(out, err io.Writer) *watcher {
	w := &watcher{out: out, err: err, gone: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		w.leave()
	} else {
		s.watchers[w] = true
	}
	return w
}

func (s *streams) detach(w *watcher) {
	s.mu.Lock()
	delete(s.watchers, w)
	s.mu.Unlock()
	w.leave()
}

// input copies from an attached client to the container. With stdinOnce the client's end is the end of the input.
func (s *streams) input(in io.Reader) error {
	s.mu.Lock()
	stdin := s.stdin
	s.mu.Unlock()
	if stdin == nil {
		return errors.New("the container has no open stdin")
	}
	_, err := io.Copy(stdin, in)
	if s.stdinOnce && !s.tty {
		s.mu.Lock()
		s.stdin = nil
		s.mu.Unlock()
		err = errors.Join(err, stdin.Close())
	}
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// drainTime is how long output may go on after the container's first process has ended: a process that was left behind in
// a shared pid namespace can hold a pipe open for ever.
const drainTime = 2 * time.Second

// drain waits for the end of all output and lets the attached clients go.
func (s *streams) drain() {
	read := make(chan struct{})
	go func() { s.reading.Wait(); close(read) }()
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-read:
	case <-timer.C:
	}
	_ = s.close() // the readers that are left end with it
	<-read
}

// close closes everything that is open; twice is fine.
func (s *streams) close() error {
	s.mu.Lock()
	stdin, terminal, watchers := s.stdin, s.terminal, s.watchers
	s.stdin, s.terminal, s.watchers, s.ended = nil, nil, map[*watcher]bool{}, true
	s.mu.Unlock()
	if stdin != nil {
		stdin.Close()
	}
	s.closeChild()
	for _, f := range []*os.File{terminal, s.out, s.err} {
		if f != nil {
			f.Close()
		}
	}
	for w := range watchers {
		w.leave()
	}
	return s.log.close()
}
