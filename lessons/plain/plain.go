// Package plain is the course without an interface: sentences on a Writer, for screen readers and scripts.
//
// Every function returns the exit code of the program: 0 done, 1 the answer is no, 2 wrong usage, 4 something of ours
// broke.
package plain

import (
	"context"
	"io"

	"drydock/lessons/course"
	"drydock/lessons/golden"
)

// The exit codes.
const (
	OK     = 0
	No     = 1
	Usage  = 2
	Broken = 4
)

// Mode is where and how to speak.
type Mode struct {
	Out  io.Writer
	Err  io.Writer
	Lang string
	JSON bool
}

// List prints the lessons.
func (m Mode) List(ctx context.Context, c *course.Course) int { return Broken }

// Start opens a lesson ("" is the first that is not finished) and prints its first step.
func (m Mode) Start(ctx context.Context, c *course.Course, lesson string) int { return Broken }

// Show prints the open steps of the current lesson.
func (m Mode) Show(ctx context.Context, c *course.Course) int { return Broken }

// Next opens the lesson after the current one and prints its first step.
func (m Mode) Next(ctx context.Context, c *course.Course) int { return Broken }

// Hint prints one more hint of the step that is being worked on.
func (m Mode) Hint(ctx context.Context, c *course.Course) int { return Broken }

// Reset builds the world anew; without yes it only names what would be deleted.
func (m Mode) Reset(ctx context.Context, c *course.Course, yes bool) int { return Broken }

// Check asks the goals ("" is all) and prints one sentence each. It returns OK when all that were asked are reached.
func (m Mode) Check(ctx context.Context, c *course.Course, goal string) int { return Broken }

// Answer hands in an answer.
func (m Mode) Answer(ctx context.Context, c *course.Course, goal, value string) int { return Broken }

// PackLint reads the pack in a folder and prints what is wrong with it.
func (m Mode) PackLint(dir string) int { return Broken }

// PackTest proves the pack in a folder.
func (m Mode) PackTest(ctx context.Context, dir string, labs golden.LabFactory, lessons ...string) int {
	return Broken
}

// PackSeal prints the key of an answer, to be put into lesson.yaml.
func (m Mode) PackSeal(dir, lesson, goal, value string) int { return Broken }
