package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
)

func (a *app) componentCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "component", Short: "The parts of the cluster, each of which can be stopped", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.componentListCommand(),
		a.componentChange("stop", "Stop a part and see what a cluster is without it", "is stopped", false),
		a.componentChange("start", "Start a part again", "is running", true),
	)
	return cmd
}

func (a *app) componentChange(verb, short, after string, run bool) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: oneName("component"),
		Example: "  drydock component " + verb + " scheduler\n  drydock component " + verb + " kubelet@node-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) error {
				return control.ChangeComponent(ctx, socket, control.ComponentRequest{Name: args[0], Run: run})
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", args[0], after)
			return err
		},
	}
}

func (a *app) componentListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List the parts that can be stopped", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []control.Component
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) (err error) {
				all, err = control.Components(ctx, socket)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(out, "NAME\tSTATE")
			for _, c := range all {
				fmt.Fprintf(out, "%s\t%s\n", c.Name, c.State)
			}
			return out.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
