package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
)

func (a *app) netCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "net", Short: "Look at the lab's network", Args: noArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return usage("`drydock net` needs a command; `drydock net --help` lists them")
	}}
	cmd.AddCommand(a.netTraceCommand())
	return cmd
}

func (a *app) netTraceCommand() *cobra.Command {
	var udp, asJSON bool
	var mode string
	cmd := &cobra.Command{
		Use: "trace SOURCE DESTINATION:PORT", Short: "Follow one connection through names, rules and cables, without sending it",
		Long: "Follows the first packet of a connection: the name, the rules of every machine it passes as the kernel has them now,\n" +
			"the routes, and where it ends. SOURCE is a pod (NAMESPACE/POD or POD), a node, or \"shell\": the learner's.",
		Example: "  drydock net trace sh web:80\n  drydock net trace shell 172.30.0.200:80\n  drydock net trace shop/cart db.shop:5432",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("`drydock net trace` needs a source and a destination, e.g. `drydock net trace shell web:80`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.reach()
			if err != nil {
				return err
			}
			request := control.TraceRequest{From: args[0], To: args[1], Protocol: "tcp", As: mode}
			if udp {
				request.Protocol = "udp"
			}
			status, err := control.AskStatus(cmd.Context(), p.lab.Control())
			if errors.Is(err, lab.ErrNotRunning) {
				return &codeError{exitNo, fmt.Errorf("lab %q is not running; `drydock up` starts it", p.lab.Name())}
			}
			if err != nil {
				return err
			}
			request.From = traceSource(status, request.From)
			steps, err := control.NetTrace(cmd.Context(), p.lab.Control(), request)
			if err != nil {
				return &codeError{exitNo, err}
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), steps)
			} else {
				err = printWay(cmd.OutOrStdout(), steps)
			}
			if err == nil && mode == "" && (len(steps) == 0 || steps[len(steps)-1].End != "arrived") {
				return exit(exitNo)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&udp, "udp", false, "a packet of UDP instead of TCP")
	cmd.Flags().StringVar(&mode, "as", "", "print instead what kube-proxy would have written in mode iptables or ipvs, to compare; nothing of it is in the kernel")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// traceSource gives a pod that is named without its namespace the namespace default.
func traceSource(status control.Status, from string) string {
	if from == "shell" || strings.Contains(from, "/") {
		return from
	}
	for _, n := range status.Nodes {
		if n.Name == from {
			return from
		}
	}
	return "default/" + strings.TrimPrefix(from, "pod/")
}

// printWay prints steps under the machine they happen on, and the packet where it has changed.
func printWay(w io.Writer, steps []control.TraceStep) error {
	var out strings.Builder
	where, packet := "", ""
	for _, s := range steps {
		if s.Where != where {
			where = s.Where
			fmt.Fprintf(&out, "%s\n", where)
		}
		if s.Packet != packet && s.Packet != "" && s.End == "" {
			packet = s.Packet
			fmt.Fprintf(&out, "  packet %s\n", packet)
		}
		switch {
		case s.End != "":
			fmt.Fprintf(&out, "  %s: %s\n", strings.ToUpper(s.End), s.What)
		default:
			fmt.Fprintf(&out, "    %s\n      %s\n", s.What, strings.ReplaceAll(s.Rule, "\n", "\n      "))
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
