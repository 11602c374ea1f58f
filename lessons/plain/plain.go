// Package plain is the course without an interface: sentences on a Writer, for screen readers and scripts.
//
// Every function returns the exit code of the program: 0 done, 1 the answer is no, 2 wrong usage, 4 something of ours
// broke.
package plain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"drydock/checks"
	"drydock/lessons/course"
)

// The exit codes.
const (
	OK     = 0
	No     = 1
	Usage  = 2
	Broken = 4
)

// checkWithin is how long goals may take to be asked before we say that we could not tell.
const checkWithin = 20 * time.Second

// Mode is where and how to speak.
type Mode struct {
	Out  io.Writer
	Err  io.Writer
	Lang string
	JSON bool // of check, lesson ls, pack test and pack lint

	Archive string // the images that drydock carries, as one file
}

// say writes one paragraph in the language of the Mode.
func (m Mode) say(t checks.Text, args ...any) {
	fmt.Fprintf(m.Out, t.In(m.Lang)+"\n", args...)
}

func (m Mode) text(t checks.Text) string { return t.In(m.Lang) }

func (m Mode) writeJSON(v any) int {
	e := json.NewEncoder(m.Out)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return m.failed(err)
	}
	return OK
}

// failed tells an error and picks the exit code.
func (m Mode) failed(err error) int {
	var locked *course.Locked
	var foreign *course.Foreign
	switch {
	case errors.Is(err, course.ErrNoLesson):
		fmt.Fprintln(m.Err, noLesson.In(m.Lang))
		return No
	case errors.As(err, &locked):
		fmt.Fprintf(m.Err, lockedLesson.In(m.Lang)+"\n", locked.Lesson, strings.Join(locked.Needs, ", "))
		return No
	case errors.As(err, &foreign):
		m.foreign(foreign)
		return No
	case errors.Is(err, course.ErrTaken):
		fmt.Fprintln(m.Err, err)
		return No
	default:
		fmt.Fprintln(m.Err, err)
		return Broken
	}
}

// foreign says why another cluster cannot hold a lesson, and what could be done about it.
func (m Mode) foreign(f *course.Foreign) {
	if len(f.Wants) > 0 {
		fmt.Fprintf(m.Err, needsLab.In(m.Lang)+"\n", f.Lesson)
		for _, t := range f.Wants {
			fmt.Fprintln(m.Err, "  "+m.text(t))
		}
		fmt.Fprintf(m.Err, startInLab.In(m.Lang)+"\n", f.Lesson)
		return
	}
	fmt.Fprintf(m.Err, needsImages.In(m.Lang)+"\n", f.Lesson, strings.Join(f.Images, ", "), m.Archive)
}

// during runs the course while f works.
func during(ctx context.Context, c *course.Course, f func(ctx context.Context) int) int {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = c.Run(ctx) }) // ends with ctx only
	return f(ctx)
}

// resumed takes the open lesson up again and runs it while f works.
func (m Mode) resumed(ctx context.Context, c *course.Course, f func(ctx context.Context) int) int {
	if err := c.Resume(ctx); err != nil {
		return m.failed(err)
	}
	return during(ctx, c, f)
}

// looked is resumed, with every goal asked once.
func (m Mode) looked(ctx context.Context, c *course.Course, f func(context.Context, *course.State) int) int {
	return m.resumed(ctx, c, func(ctx context.Context) int {
		asking, stop := context.WithTimeoutCause(ctx, checkWithin, fmt.Errorf("the lab did not answer within %s", checkWithin))
		defer stop()
		s, err := c.CheckNow(asking)
		if err != nil {
			return m.failed(err)
		}
		return f(ctx, s)
	})
}
