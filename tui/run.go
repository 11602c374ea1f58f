package tui

import (
	"context"
	"errors"
	"io"
	"time"
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

	In  io.Reader // a terminal; os.Stdin when nil
	Out io.Writer // a terminal; os.Stdout when nil
	Env []string  // os.Environ() when nil

	Width, Height int              // the window's size, for tests; otherwise the terminal is asked
	Now           func() time.Time // time.Now when nil
}

// Run opens the interface and returns when the learner leaves it. The terminal is restored also after a panic. It does
// not stop the lab. Ending ctx leaves the interface and returns context.Cause(ctx).
func Run(ctx context.Context, o Options) error {
	return errors.New("not yet")
}
