package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"drydock/sandbox/doctor"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Try what this machine offers, and say what is missing and how to mend it", Args: noArgs,
		Long: "Doctor tries each thing that a lab asks of this machine, in a throw-away lab that leaves nothing behind.\n\n" +
			"  + ok        works\n  ~ degraded  a lab runs, in a lesser way that is named\n  ! missing   a lab cannot run\n\n" +
			"It ends with 0 when a lab can run, else with 3.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.unpacked()
			if err != nil {
				return err
			}
			report, err := doctor.Examine(cmd.Context(), p.examination())
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				err = report.Write(cmd.OutOrStdout())
			}
			if err == nil && !report.CanRun {
				return exit(exitMachine)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return cmd
}

func (p place) examination() doctor.Options {
	return doctor.Options{State: string(p.home), Programs: string(p.programs)}
}

// refuse looks for the reason why a lab did not start in this machine, and says so in doctor's words and with its exit code.
func (p place) refuse(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err // the person gave up
	}
	err = doctor.Explain(ctx, p.examination(), err)
	if refusal := (*doctor.Refusal)(nil); errors.As(err, &refusal) {
		return &codeError{exitMachine, err}
	}
	return err
}
