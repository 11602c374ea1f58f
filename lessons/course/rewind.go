package course

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drydock/lessons/pack"
)

// Names of the snapshots that a course keeps in its lab. A name that begins with a dot is none of the learner's.
const (
	emptySnapshot = ".empty" // no lesson's world
	startSnapshot = ".start" // the world of the current lesson, before anything was done in it
)

// world says which world a snapshot holds: the same words mean the same world.
func (m marker) world(lesson *pack.Lesson) string {
	return strings.Join([]string{m.Pack, lesson.Pack().Digest, m.Lesson, fmt.Sprint(m.Revision), m.Seed}, " ")
}

// rewind takes the lab back to a world that was kept; false when it was not.
func (c *Course) rewind(ctx context.Context, name, note string) (bool, error) {
	if c.cfg.Snapshots == nil {
		return false, nil
	}
	there, err := c.cfg.Snapshots.Restore(ctx, name, note)
	if err != nil {
		return false, fmt.Errorf("take the lab back: %w", err)
	}
	return there, nil
}

// keepWorld keeps the lab as it is, to come back to it.
func (c *Course) keepWorld(ctx context.Context, name, note string) error {
	if c.cfg.Snapshots == nil {
		return nil
	}
	if err := c.cfg.Snapshots.Save(ctx, name, note); err != nil {
		return fmt.Errorf("keep the world of the lesson: %w", err)
	}
	return nil
}

// stepSnapshot is the world as it was when a step opened, the first being 0.
func stepSnapshot(step int) string { return ".step-" + strconv.Itoa(step+1) }

// keepSteps keeps the lab each time a step opens, until ctx ends. What cannot be kept is told in the picture: it stops nobody.
func (c *Course) keepSteps(ctx context.Context, a *attempt) {
	if c.cfg.Snapshots == nil || len(a.lesson.Steps) < 2 {
		return
	}
	for over := false; ; {
		changed := c.Changed()
		// Also a step that opened a moment before the end: `drydock check` ends when it has the answer.
		if open := c.newStep(a); open > 0 {
			err := c.keepWorld(context.WithoutCancel(ctx), stepSnapshot(open-1), a.marker.world(a.lesson))
			if err != nil {
				c.mu.Lock()
				a.trouble = err
				c.mu.Unlock()
			}
		}
		if over {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			over = true
		}
	}
}

// newStep is how many steps are open when that has grown since it was last asked, 0 otherwise.
func (c *Course) newStep(a *attempt) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := a.openStepsLocked()
	if c.current != a || open <= a.kept {
		return 0
	}
	a.kept = open
	return open
}

// ErrNotKept is the error of going to a step that was not reached in this lab, or in another state of the lesson.
var ErrNotKept = errors.New("this lab does not remember that step")

// Goto takes the lab back to the moment at which a step of the current lesson opened; the first step is a reset. The learner's
// folder and what was recorded stay.
func (c *Course) Goto(ctx context.Context, step string) error {
	a, err := c.open()
	if err != nil {
		return err
	}
	place := slices.IndexFunc(a.lesson.Steps, func(s pack.Step) bool { return s.ID == step })
	if place == 0 {
		return c.Reset(ctx)
	}
	there := false
	if place > 0 {
		c.building.Lock()
		defer c.building.Unlock()
		there, err = c.rewind(ctx, stepSnapshot(place), a.marker.world(a.lesson))
	}
	if err == nil && !there {
		err = fmt.Errorf("%w: %s", ErrNotKept, step)
	}
	if err == nil {
		err = c.Restored("step " + step)
	}
	if err != nil {
		return err
	}
	return c.Resume(ctx)
}
