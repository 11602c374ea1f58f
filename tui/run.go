package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// Options is what the interface needs to run.
type Options struct {
	Lab    Lab
	Course Course

	Language     Language // English when empty
	ASCII        bool     // no glyph outside ASCII in frames and marks
	ReduceMotion bool     // nothing moves by itself; at most four repaints a second from the cluster
	NoColor      bool
	Theme        string // a name of theme.Names; "" is the terminal's own 16 colours
	NoMouse      bool   // do not ask the terminal for the mouse
	Tour         bool   // explain the screen first, in three short pages that can be skipped

	In  io.Reader // a terminal; os.Stdin when nil
	Out io.Writer // a terminal; os.Stdout when nil
	Env []string  // os.Environ() when nil

	Width, Height int              // the window's size, for tests; otherwise the terminal is asked
	Now           func() time.Time // time.Now when nil
}

// framesPerSecond is how often Bubble Tea may write. Twice its default: half the wait after a key press.
const framesPerSecond = 120

// Run opens the interface and returns when the learner leaves it. The terminal is restored also after a panic. It does
// not stop the lab. Ending ctx leaves the interface and returns context.Cause(ctx).
func Run(ctx context.Context, o Options) error {
	inner, stop := context.WithCancel(ctx)
	m := NewModel(inner, o)
	defer m.running.Wait() // shells end with the context
	defer stop()
	_, err := tea.NewProgram(m, programOptions(o)...).Run()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, tea.ErrInterrupted):
		return nil // SIGINT from outside: leave, as asked
	case err != nil:
		return fmt.Errorf("run the terminal interface: %w", err)
	}
	return nil
}

func programOptions(o Options) []tea.ProgramOption {
	opts := []tea.ProgramOption{tea.WithFPS(framesPerSecond)}
	if o.In != nil {
		opts = append(opts, tea.WithInput(o.In))
	}
	if o.Out != nil {
		opts = append(opts, tea.WithOutput(o.Out))
	}
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	opts = append(opts, tea.WithEnvironment(env))
	if o.NoColor {
		opts = append(opts, tea.WithColorProfile(colorprofile.ASCII))
	}
	if o.Width > 0 {
		opts = append(opts, tea.WithWindowSize(o.Width, o.Height))
	}
	return opts
}
