package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"drydock/lessons/course"
	"drydock/lessons/plain"
)

// packTryCommand opens a lesson of a pack that is being written, at any step: what comes before is done by the solution.
func (a *app) packTryCommand(oneDir cobra.PositionalArgs) *cobra.Command {
	var step string
	cmd := &cobra.Command{
		Use: "try DIR [LESSON]", Short: "Open a lesson in the lab, solved up to a step", Args: oneDir,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.pack = args[0]
			lesson := strings.Join(args[1:], "")
			return a.withCourse(cmd, func(ctx context.Context, m plain.Mode, c *course.Course) int {
				if lesson == "" {
					lesson = c.Pack().Lessons[0].ID
				}
				if code := m.Start(ctx, c, lesson, true); code != plain.OK || step == "" {
					return code
				}
				p, err := a.find()
				if err != nil {
					fmt.Fprintln(m.Err, err)
					return plain.Broken
				}
				return m.SolveUpTo(ctx, c, step, &testLab{place: p})
			})
		},
	}
	cmd.Flags().StringVar(&step, "at", "", "the step to begin at")
	return cmd
}
