package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Say how a lab is", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.reach()
			if err != nil {
				return err
			}
			status, err := control.AskStatus(cmd.Context(), p.lab.Control())
			if errors.Is(err, lab.ErrNotRunning) {
				return &codeError{exitNo, fmt.Errorf("lab %q is not running; `drydock up` starts it", p.lab.Name())}
			}
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), status)
			}
			return printStatus(cmd.OutOrStdout(), status)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printStatus(w io.Writer, s control.Status) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(out, "lab\t%s, since %s\n", s.Name, s.Started.Local().Format("2006-01-02 15:04:05"))
	fmt.Fprintf(out, "API\t%s (inside the lab: %s)\n", s.Server, s.Inside)
	fmt.Fprintf(out, "pods\t%s between nodes\n", s.PodNetwork)
	fmt.Fprintf(out, "limits\t%s: %s\n", s.Limits, s.LimitsNote)
	fmt.Fprintf(out, "user ids\t%s\n", s.IDs)
	for _, n := range s.Nodes {
		fmt.Fprintf(out, "%s\t%s, %s, pods %s\n", n.Name, n.State, n.Address, n.PodCIDR)
	}
	for _, f := range s.Forwards {
		fmt.Fprintf(out, "%s\tleads to %s, port %d (%s)%s\n", forwardedURL(f), f.Namespace+"/"+f.Service, f.Port, f.To, hostsOf(f))
	}
	return out.Flush()
}

// forwardedURL is what to type elsewhere: most that speaks TCP here speaks HTTP, and a browser wants it spelt out.
func forwardedURL(f control.Forwarded) string {
	switch {
	case f.Network == "udp":
		return "udp " + f.Address
	case f.Port == 443:
		return "https://" + f.Address
	}
	return "http://" + f.Address
}

func hostsOf(f control.Forwarded) string {
	if len(f.Hosts) == 0 {
		return ""
	}
	return ", for " + strings.Join(f.Hosts, " ")
}
