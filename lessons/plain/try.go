package plain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// Shell runs scripts where the learner would type.
type Shell interface {
	// RunScript runs a shell script in the lab's shell. A code other than 0 is no error.
	RunScript(ctx context.Context, script string, env []string) (output string, code int, err error)
}

// solveWithin is how long the solution may take until a step is open.
const solveWithin = 2 * time.Minute

// SolveUpTo takes the lab to a step that was reached in it before, or else runs the solution of the current lesson until the step
// is open, and prints it. The solution is stopped at
// that moment; a command that was running then has had its effect.
func (m Mode) SolveUpTo(ctx context.Context, c *course.Course, step string, shell Shell) int {
	lesson := c.Current()
	place := slices.IndexFunc(lesson.Steps, func(s pack.Step) bool { return s.ID == step })
	if place < 0 {
		fmt.Fprintf(m.Err, unknownStep.In(m.Lang)+"\n", step)
		return Usage
	}
	if place > 0 {
		switch err := c.Goto(ctx, step); {
		case err == nil:
			return m.Show(ctx, c)
		case !errors.Is(err, course.ErrNotKept):
			return m.failed(err)
		}
	}
	ctx, stop := context.WithTimeoutCause(ctx, solveWithin, fmt.Errorf("step %s did not open within %s", step, solveWithin))
	defer stop()
	running, halt := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- m.solve(running, c, lesson, shell) }()
	err := opened(ctx, c, place+1, ended)
	halt()
	if err != nil {
		return m.failed(err)
	}
	return m.Show(ctx, c)
}

func (m Mode) solve(ctx context.Context, c *course.Course, lesson *pack.Lesson, shell Shell) error {
	main := lesson.Solutions[0]
	for _, a := range main.Answers { // questions may be answered at any time
		if _, err := c.Answer(ctx, a.Goal, a.Value); err != nil {
			return err
		}
	}
	output, code, err := shell.RunScript(ctx, main.Body, nil)
	if err == nil && code != 0 && ctx.Err() == nil {
		err = fmt.Errorf("%s ended with code %d:\n%s", main.Path, code, output)
	}
	return err
}

// opened waits until so many steps are open. A solution that has ended may still have its last effect to come.
func opened(ctx context.Context, c *course.Course, steps int, ended <-chan error) error {
	for {
		changed := c.Changed()
		if c.State().Open >= steps {
			return nil
		}
		select {
		case <-changed:
		case err := <-ended:
			if err != nil {
				return err
			}
			ended = nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
