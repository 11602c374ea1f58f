package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
	"drydock/engine/cluster/keeper"
	"drydock/sandbox/lab"
)

func (a *app) upCommand() *cobra.Command {
	var size labSize
	var asJSON bool
	var schedulers, pods string
	cmd := &cobra.Command{
		Use: "up", Short: "Start a lab and wait until its nodes are Ready", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			began := time.Now()
			p, err := a.unpacked()
			if err != nil {
				return err
			}
			text, err := readSchedulers(schedulers)
			if err = errors.Join(err, verifyPodNetwork(pods)); err != nil {
				return err
			}
			if status, err := control.AskStatus(cmd.Context(), p.lab.Control()); err == nil {
				if text != nil {
					return alreadyScheduling(p)
				}
				if err := otherPodNetwork(p, status, pods); err != nil {
					return err
				}
				return sayRunning(cmd.OutOrStdout(), status, asJSON)
			}
			if err := errors.Join(keepSchedulers(p, text), keepPodNetwork(p, pods)); err != nil {
				return err
			}
			report := func(string) {}
			if err := a.launch(cmd.Context(), p, size, report); err != nil {
				return err
			}
			status, err := control.AskStatus(cmd.Context(), p.lab.Control())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), status)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "lab %q is up: %d nodes Ready in %d ms\ntry: drydock kubectl get nodes\n",
				status.Name, len(status.Nodes), time.Since(began).Milliseconds())
			return err
		},
	}
	cmd.Flags().IntVar(&size.nodes, "nodes", 0, "how many nodes; a new lab has 3, one that has run before the nodes it had")
	cmd.Flags().DurationVar(&size.grace, "node-grace", 0, "how long a node may be silent before it counts as gone (default 50s, as in Kubernetes)")
	cmd.Flags().BoolVar(&size.closed, "no-forward", false, "open no ports of this machine's 127.0.0.1 for node ports and load balancers")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the lab's status as JSON")
	cmd.Flags().StringVar(&schedulers, "scheduler-config", "", "a `FILE` of kind KubeSchedulerConfiguration: the profiles of the scheduler, kept until drydock reset")
	cmd.Flags().StringVar(&pods, "pod-network", "", "how pods' packets get from node to node: routed (the usual) or vxlan, kept until drydock reset")
	return cmd
}

func sayRunning(w io.Writer, status control.Status, asJSON bool) error {
	if asJSON {
		return printJSON(w, status)
	}
	_, err := fmt.Fprintf(w, "lab %q is up already, with %d nodes\n", status.Name, len(status.Nodes))
	return err
}

// labSize is what may differ from one start of a lab to the next; the zero value is the usual.
type labSize struct {
	nodes int
	grace time.Duration
	ours  bool // it ends with this process and leaves nothing; it gets no ports of this machine
	// closed: node ports and load balancers get no ports of this machine.
	closed bool
}

// patience is how long a lab may take to start. It takes a second; on a slow and busy machine half a minute.
const patience = 3 * time.Minute

// launch starts a keeper for the lab, which is a program of its own in a session of its own.
func (a *app) launch(ctx context.Context, p place, size labSize, report func(string)) error {
	limited, stop := context.WithTimeoutCause(ctx, patience,
		fmt.Errorf("it took more than %d minutes; its logs are in %s", int(patience.Minutes()), p.lab.Log()))
	defer stop()
	err := keeper.Launch(limited, p.lab, []string{
		p.programs.Path("dockkeep"), "--home=" + string(p.home), "--lab=" + string(p.lab), "--programs=" + string(p.programs),
		"--nodes=" + strconv.Itoa(size.nodes), "--node-grace=" + size.grace.String(), "--version=" + version,
		"--end-with-launcher=" + strconv.FormatBool(size.ours), "--forward=" + strconv.FormatBool(!size.ours && !size.closed),
	}, report)
	switch {
	case err == nil:
		_ = p.home.SweepVersions(p.programs) // what is still there is removed the next time
		return nil
	case errors.Is(err, keeper.ErrRunning):
		return inBetween(p)
	}
	return p.refuse(ctx, err)
}

// inBetween is the answer about a lab that somebody else starts or stops in this moment.
func inBetween(p place) error {
	return &codeError{exitNo, fmt.Errorf("lab %q is being started or stopped right now; try again in a moment", p.lab.Name())}
}

func (a *app) downCommand() *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Stop a lab; its state is kept", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.find()
			if err != nil {
				return err
			}
			stopped, err := stop(cmd.Context(), p)
			if err != nil || !stopped {
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "lab %q is not running\n", p.lab.Name())
				}
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "lab %q is down\n", p.lab.Name())
			return err
		},
	}
}

// stop takes the lab down and waits until nothing of it is left; false when it was not running.
func stop(ctx context.Context, p place) (bool, error) {
	err := control.Down(ctx, p.lab.Control())
	switch {
	case errors.Is(err, lab.ErrNotRunning) && keeper.Held(p.lab):
		return false, inBetween(p)
	case errors.Is(err, lab.ErrNotRunning):
		keeper.Sweep(p.lab) // its keeper may have been killed
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, keeper.WaitGone(ctx, p.lab)
}

func (a *app) resetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reset", Short: "Stop a lab and forget its cluster; your workspace and progress stay", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.find()
			if err != nil {
				return err
			}
			if _, err := stop(cmd.Context(), p); err != nil {
				return err
			}
			if err := p.lab.Forget(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "lab %q starts afresh the next time; your workspace %s is untouched\n", p.lab.Name(), p.lab.Workspace())
			return err
		},
	}
}

// noArgs is cobra.NoArgs with our exit code.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("`drydock %s` takes no arguments, but got %q", cmd.Name(), args[0])
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}
