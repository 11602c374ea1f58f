package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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

// packMutateCommand looks for goals that cannot be failed.
func (a *app) packMutateCommand(oneDir cobra.PositionalArgs) *cobra.Command {
	var o plain.TestOptions
	var most int
	cmd := &cobra.Command{
		Use: "mutate DIR [LESSON...]", Short: "Try wrong answers made out of the solutions, and name goals that notice none", Args: oneDir,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.unpacked()
			if err != nil {
				return err
			}
			o.Labs, o.Lessons, o.Scripts = &labFactory{a, p}, args[1:], newScripter(p)
			o.Progress = !a.json && term.IsTerminal(int(os.Stderr.Fd()))
			return exit(a.mode(cmd).PackMutate(cmd.Context(), args[0], o, most))
		},
	}
	cmd.Flags().IntVarP(&o.Jobs, "jobs", "j", runtime.NumCPU(), "how many labs at the same time")
	cmd.Flags().IntVar(&most, "most", 40, "how many wrong answers for each lesson; 0 is all")
	return cmd
}

// packPreviewCommand opens the interface on a pack that is being written.
func (a *app) packPreviewCommand(oneDir cobra.PositionalArgs) *cobra.Command {
	var look interfaceFlags
	cmd := &cobra.Command{
		Use: "preview DIR", Short: "Open the interface on a pack", Args: oneDir,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := a.mode(cmd).PackLint(args[0]); code != plain.OK {
				return exit(code)
			}
			a.pack = args[0]
			return a.open(cmd, look)
		},
	}
	look.register(cmd)
	cmd.Flags().BoolVar(&look.watch, "watch", false, "show what was saved, or what is wrong with it, within a moment")
	return cmd
}
