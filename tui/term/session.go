package term

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
)

// Pty is the master side of a pseudo-terminal.
type Pty interface {
	io.ReadWriteCloser // Close makes a blocked Read return
	Resize(cols, rows int) error
	Done() <-chan struct{}
}

// Session joins a program on a pseudo-terminal to an emulator.
//
// Two goroutines belong to it, both started by Run: one reads the program's output into the emulator; one writes keys and
// answers, so that a program that does not read its input never holds up the screen.
type Session struct {
	*Emulator // set once in New

	pty     Pty           // set once in New
	changed chan struct{} // holds one token while the screen has changed

	mu sync.Mutex
	// guarded by mu
	queue []byte
	ready *sync.Cond // the queue is not empty, or closed
	shut  bool
}

// NewSession returns a session of the given size. Nothing moves before Run.
func NewSession(pty Pty, cols, rows int) *Session {
	s := &Session{pty: pty, changed: make(chan struct{}, 1)}
	s.ready = sync.NewCond(&s.mu)
	s.Emulator = New(cols, rows, s.enqueue)
	return s
}

// Changed has a value when the screen has changed since the last receive. It is never closed.
func (s *Session) Changed() <-chan struct{} { return s.changed }

// Done is closed when the program has ended.
func (s *Session) Done() <-chan struct{} { return s.pty.Done() }

// Send writes bytes to the program as if they were typed. It does not block.
func (s *Session) Send(b []byte) { s.enqueue(b) }

// maxQueue bounds what waits for a program that does not read.
const maxQueue = 4 << 20

func (s *Session) enqueue(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut || len(s.queue)+len(b) > maxQueue {
		return
	}
	s.queue = append(s.queue, b...)
	s.ready.Signal()
}

// Fit changes the size of the emulator and tells the program.
func (s *Session) Fit(cols, rows int) error {
	s.Emulator.Resize(cols, rows)
	cols, rows = s.Size()
	return s.pty.Resize(cols, rows)
}

// Run moves bytes both ways until the program's output ends or ctx does, then closes the pseudo-terminal and waits for
// its goroutines. The end of the program is no error.
func (s *Session) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.pty.Close() })
	defer stop()
	var writer sync.WaitGroup
	writer.Go(s.writeLoop)
	err := s.readLoop()
	s.mu.Lock()
	s.shut = true
	s.ready.Broadcast()
	s.mu.Unlock()
	_ = s.pty.Close()
	writer.Wait()
	if ended(err) {
		return ctx.Err()
	}
	return err
}

// ended says whether a read error only means that the other side is gone. Linux answers EIO on a master whose slave is
// closed (pty(7)).
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrClosed) ||
		errors.Is(err, io.ErrClosedPipe)
}

func (s *Session) readLoop() error {
	buf := make([]byte, 32<<10)
	for {
		n, err := s.pty.Read(buf)
		if n > 0 {
			_, _ = s.Write(buf[:n])
			s.touch()
		}
		if err != nil {
			return err
		}
	}
}

func (s *Session) touch() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *Session) writeLoop() {
	for {
		b := s.nextInput()
		if b == nil {
			return
		}
		if _, err := s.pty.Write(b); err != nil {
			return // the read side sees the end, too, and reports it
		}
	}
}

// nextInput waits for input to write; nil when there will be none.
func (s *Session) nextInput() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.shut {
		s.ready.Wait()
	}
	if s.shut {
		return nil
	}
	b := s.queue
	s.queue = nil
	return b
}
