package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
)

func (a *app) nodeCommand() *cobra.Command {
	cmd := family(&cobra.Command{Use: "node", Short: "The lab's machines, and what can happen to them"})
	cmd.AddCommand(
		a.nodeListCommand(), a.nodeAddCommand(), a.nodeRemoveCommand(), a.nodeShellCommand(),
		a.nodeChange("stop", "Shut a node down in order: its pods are ended first", control.NodeStop, "is off"),
		a.nodeChange("start", "Start a node that is off, and wait until it is Ready", control.NodeStart, "is Ready"),
		a.nodeChange("kill", "Cut a node's power", control.NodeKill, "has lost its power"),
		a.nodeChange("cut", "Pull a node's network cable", control.NodeCut, "is cut off"),
		a.nodeChange("heal", "Put a node's network cable back", control.NodeHeal, "is connected"),
	)
	return cmd
}

// ask finds the running lab and asks it something. In the learner's shell that is the lab around it.
func (a *app) ask(ctx context.Context, question func(ctx context.Context, socket string) error) error {
	p, err := a.reach()
	if err != nil {
		return err
	}
	err = question(ctx, p.lab.Control())
	if errors.Is(err, lab.ErrNotRunning) {
		return &codeError{exitNo, fmt.Errorf("lab %q is not running; `drydock up` starts it", a.labName)}
	}
	if err != nil {
		return &codeError{exitNo, err}
	}
	return nil
}

// oneName is for commands that take the name of a thing.
func oneName(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage("`drydock %s` needs the name of one %s, but got %d", strings.TrimPrefix(cmd.CommandPath(), "drydock "), what, len(args))
		}
		return nil
	}
}

// nodeChange makes a command that does one thing to one node, and says what that node is afterwards.
func (a *app) nodeChange(verb, short, action, after string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: oneName("node"),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) error {
				return control.ChangeNode(ctx, socket, control.NodeRequest{Name: args[0], Action: action})
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", args[0], after)
			return err
		},
	}
}

func (a *app) nodeListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List the machines", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var status control.Status
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) (err error) {
				status, err = control.AskStatus(ctx, socket)
				return err
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), status.Nodes)
			}
			return printNodes(cmd.OutOrStdout(), status.Nodes)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printNodes(w io.Writer, nodes []control.Node) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tMACHINE\tADDRESS\tPODS\tCAPACITY\tLABELS")
	for _, n := range nodes {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.State, n.Address, n.PodCIDR, inOrder(n.Capacity), inOrder(n.Labels))
	}
	return out.Flush()
}

func inOrder(m map[string]string) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		words = append(words, key+"="+m[key])
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, ",")
}

// Labels that `drydock node add` gives by flags of their own.
const (
	labelZone        = "topology.kubernetes.io/zone"
	labelPool        = "drydock.dev/pool"
	labelPreemptible = "drydock.dev/preemptible"
)

func (a *app) nodeAddCommand() *cobra.Command {
	plan := control.NodePlan{}
	var pool, zone string
	var preemptible bool
	cmd := &cobra.Command{
		Use: "add", Short: "Add machines, and wait until they are Ready", Args: noArgs,
		Example: "  drydock node add --count 2 --pool ssd --label disk=ssd --zone a --capacity cpu=2,memory=1Gi,pods=20",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if plan.Count < 1 {
				return usage("--count must be at least 1")
			}
			setLabel(&plan, labelPool, pool)
			setLabel(&plan, labelZone, zone)
			if preemptible {
				setLabel(&plan, labelPreemptible, "true")
			}
			var added []control.Node
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) (err error) {
				added, err = control.AddNodes(ctx, socket, plan)
				return err
			})
			for _, n := range added {
				fmt.Fprintf(cmd.OutOrStdout(), "%s is Ready\n", n.Name)
			}
			return err
		},
	}
	cmd.Flags().IntVar(&plan.Count, "count", 1, "how many")
	cmd.Flags().StringToStringVar(&plan.Labels, "label", nil, "labels of the Node: key=value (repeatable)")
	cmd.Flags().StringToStringVar(&plan.Capacity, "capacity", nil, "what the node has: cpu=2,memory=1Gi,pods=20; what is not named is what the machine has")
	cmd.Flags().StringVar(&pool, "pool", "", "the pool it belongs to: label "+labelPool)
	cmd.Flags().StringVar(&zone, "zone", "", "the zone it stands in: label "+labelZone)
	cmd.Flags().BoolVar(&preemptible, "preemptible", false, "mark it as one that may be taken away: label "+labelPreemptible)
	return cmd
}

func setLabel(plan *control.NodePlan, key, value string) {
	if value == "" {
		return
	}
	if plan.Labels == nil {
		plan.Labels = map[string]string{}
	}
	plan.Labels[key] = value
}

func (a *app) nodeRemoveCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "rm NAME", Short: "Remove a drained machine for good", Args: oneName("node"),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) error {
				return control.ChangeNode(ctx, socket, control.NodeRequest{Name: args[0], Action: control.NodeRemove, Force: force})
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is gone\n", args[0])
			return err
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "remove it with all that runs on it")
	return cmd
}

func (a *app) nodeShellCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "shell NAME [-- CMD [ARGS...]]", Short: "Open a shell on a node as its root, or run one command there",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("`drydock node shell` needs the name of a node, e.g. drydock node shell node-1 -- ps")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e := control.NodeExec{Name: args[0], Exec: control.Exec{Args: args[1:]}}
			if len(e.Args) > 0 && e.Args[0] == "--" {
				e.Args = e.Args[1:]
			}
			return a.attached(a.reach, func(tty bool, files [3]*os.File, socket string) (int, error) {
				e.Env, e.TTY = os.Environ(), tty
				return control.RunOnNode(cmd.Context(), socket, e, files)
			})
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}
