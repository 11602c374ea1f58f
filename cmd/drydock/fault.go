package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
)

func (a *app) faultCommand() *cobra.Command {
	cmd := family(&cobra.Command{
		Use: "fault", Short: "Make cables of nodes and pods slow, lossy or dead, and good again",
		Long: "Makes the cable of a node (node/node-2) or of a pod (pod/web, pod/shop/web) bad, for every packet in each direction. A fault\n" +
			"is in the lab, not in this command: it ends with `drydock fault undo`, with its time (--for), with the pod or the node, or with\n" +
			"the lab, whatever comes first. Where the kernel has netem, that does it; elsewhere drydock carries the packets itself (relay).",
	})
	var jitter time.Duration
	delay := a.faultMaker("delay TARGET DURATION", "Make packets take longer", "drydock fault delay node/node-2 100ms --jitter 20ms", &jitter)
	delay.Flags().DurationVar(&jitter, "jitter", 0, "by how much the delay differs, more or less")
	cmd.AddCommand(
		a.faultMaker("cut TARGET", "Pull a cable: nothing comes through", "drydock fault cut pod/web --for 30s", nil),
		delay,
		a.faultMaker("loss TARGET PERCENT", "Lose some packets", "drydock fault loss pod/shop/web 10%", nil),
		a.faultMaker("reorder TARGET PERCENT", "Let some packets overtake others, which wait 10 ms or as long as a delay says", "drydock fault reorder pod/web 25%", nil),
		a.faultMaker("bandwidth TARGET RATE", "Let only so many bits through in a second", "drydock fault bandwidth node/node-1 1mbit", nil),
		a.faultListCommand(), a.faultUndoCommand(),
	)
	return cmd
}

// faultMaker makes the command of one kind of fault, the first word of use; jitter is what only a delay has.
func (a *app) faultMaker(use, short, example string, jitter *time.Duration) *cobra.Command {
	words := strings.Fields(use)
	kind := words[0]
	var lasts time.Duration
	cmd := &cobra.Command{
		Use: use, Short: short, Example: "  " + example,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != len(words)-1 {
				return usage("`drydock fault %s` needs %s, e.g. `%s`", kind, strings.Join(words[1:], " and "), example)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r := control.FaultRequest{Kind: control.FaultKind(kind), Target: args[0], For: lasts}
			if jitter != nil {
				r.Jitter = *jitter
			}
			if err := r.Measure(strings.Join(args[1:], "")); err != nil {
				return usage("%w", err)
			}
			if err := r.Verify(); err != nil {
				return usage("%w", err)
			}
			var made control.Fault
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) (err error) {
				made, err = control.MakeFault(ctx, socket, r)
				return err
			})
			if err != nil {
				return err
			}
			until := "until `drydock fault undo " + made.Target + "`"
			if lasts > 0 {
				until = "for " + lasts.String()
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s (%s)\n", made.Target, faultWords(made), until, mechanism(made.By))
			return err
		},
	}
	cmd.Flags().DurationVar(&lasts, "for", 0, "how long it lasts, e.g. 30s; without, until it is undone or the lab goes down")
	return cmd
}

func faultWords(f control.Fault) string { return strings.TrimSpace(string(f.Kind) + " " + f.How) }

// mechanism says what does it, to a person.
func mechanism(by string) string {
	if by == "relay" {
		return "emulated by drydock's relay: this kernel has no netem"
	}
	return by
}

func (a *app) faultListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List the faults that hold", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []control.Fault
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) (err error) {
				all, err = control.Faults(ctx, socket)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printFaults(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printFaults(w io.Writer, all []control.Fault) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "all cables are good")
		return err
	}
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "TARGET\tFAULT\tBY\tLEFT")
	for _, f := range all {
		left := "-"
		if !f.Until.IsZero() {
			left = time.Until(f.Until).Round(time.Second).String()
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", f.Target, faultWords(f), f.By, left)
	}
	return out.Flush()
}

func (a *app) faultUndoCommand() *cobra.Command {
	var all bool
	var kind string
	cmd := &cobra.Command{
		Use: "undo TARGET | --all", Short: "Make a cable good again", Example: "  drydock fault undo node/node-2\n  drydock fault undo pod/web --kind delay\n  drydock fault undo --all",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || all == (len(args) == 1) {
				return usage("`drydock fault undo` needs one target, or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			u := control.FaultUndo{Kind: control.FaultKind(kind)}
			if len(args) == 1 {
				u.Target = args[0]
			}
			var undone []control.Fault
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) (err error) {
				undone, err = control.UndoFaults(ctx, socket, u)
				return err
			})
			for _, f := range undone {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: no more %s\n", f.Target, f.Kind)
			}
			if err == nil && len(undone) == 0 {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "there was nothing to undo")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every fault of the lab")
	cmd.Flags().StringVar(&kind, "kind", "", "only faults of this kind: cut, delay, loss, reorder or bandwidth")
	return cmd
}
