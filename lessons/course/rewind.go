package course

import (
	"context"
	"fmt"
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
