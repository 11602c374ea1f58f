package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/creack/pty"

	"drydock/engine/cluster/control"
	"drydock/sandbox/doctor"
	"drydock/sandbox/home"
	"drydock/sandbox/lab"
	"drydock/tui"
)

// Lab is the lab that a person works in.
type Lab struct {
	// set once in NewLab
	paths  home.Lab
	launch func(ctx context.Context, report func(step string)) error
	env    []string
	begin  func() error

	status atomic.Pointer[control.Status]
}

// LabOptions is all a Lab must be told.
type LabOptions struct {
	Paths home.Lab
	// Launch starts the lab when it does not run.
	Launch func(ctx context.Context, report func(step string)) error
	// Env is what its shells inherit.
	Env []string
	// Begin is called each time the lab has been found running: what needs a lab starts there.
	Begin func() error
}

// NewLab describes a lab.
func NewLab(o LabOptions) *Lab {
	paths := o.Paths
	l := &Lab{paths: paths, launch: o.Launch, env: o.Env, begin: o.Begin}
	l.status.Store(&control.Status{Name: paths.Name()})
	return l
}

var _ tui.Lab = (*Lab)(nil)

// Start implements tui.Lab.
func (l *Lab) Start(ctx context.Context, report func(tui.StartStep)) error {
	status, err := control.AskStatus(ctx, l.paths.Control())
	if errors.Is(err, lab.ErrNotRunning) {
		if err := l.launch(ctx, func(step string) { report(tui.StartStep{ID: step, Text: step}) }); err != nil {
			return problem(err)
		}
		status, err = control.AskStatus(ctx, l.paths.Control())
	}
	if err != nil {
		return fmt.Errorf("ask the lab how it is: %w", err)
	}
	l.status.Store(&status)
	return l.begin()
}

// problem puts an error of starting into the words of doctor, where it has some.
func problem(err error) error {
	var refusal *doctor.Refusal
	if !errors.As(err, &refusal) {
		return &tui.Problem{What: "The lab did not start.", Where: err.Error(), Try: []string{"drydock doctor"}, Err: err}
	}
	first := refusal.Missing[0]
	try := []string{"drydock doctor"}
	if first.Mend != "" {
		try = []string{first.Mend, "drydock doctor"}
	}
	return &tui.Problem{What: "This machine cannot run a lab.", Where: first.Found, Try: try, Err: err}
}

// Status implements tui.Lab.
func (l *Lab) Status() tui.LabStatus {
	s := l.status.Load()
	return tui.LabStatus{Name: s.Name, Tier: s.Limits, Address: s.Server}
}

// Shell implements tui.Lab.
func (l *Lab) Shell(ctx context.Context, cols, rows int) (tui.Pty, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	ctx, hangUp := context.WithCancel(ctx)
	s := &shell{master: master, hangUp: hangUp, done: make(chan struct{})}
	if err := s.Resize(cols, rows); err != nil {
		return nil, errors.Join(err, slave.Close(), s.Close())
	}
	go func() { // ends with the shell, or with ctx
		defer close(s.done)
		defer slave.Close()
		files := [3]*os.File{slave, slave, slave}
		if _, err := control.Run(ctx, l.paths.Control(), control.Exec{Env: l.env, TTY: true}, files); err != nil && ctx.Err() == nil {
			fmt.Fprintf(slave, "\r\n%v\r\n", err) // the terminal is where the learner looks
		}
	}()
	return s, nil
}

// shell is the master side of a shell's pseudo-terminal.
type shell struct {
	// set once in Shell
	master *os.File
	hangUp context.CancelFunc
	done   chan struct{}

	closing sync.Once
}

func (s *shell) Read(b []byte) (int, error)  { return s.master.Read(b) }
func (s *shell) Write(b []byte) (int, error) { return s.master.Write(b) }
func (s *shell) Done() <-chan struct{}       { return s.done }

// Close hangs up the shell. The master is closed once the shell's side is, which makes a blocked Read return.
func (s *shell) Close() error {
	s.closing.Do(func() {
		s.hangUp()
		go func() { // ends with the shell
			<-s.done
			s.master.Close()
		}()
	})
	return nil
}

func (s *shell) Resize(cols, rows int) error {
	return pty.Setsize(s.master, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
}
