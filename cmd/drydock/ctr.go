package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
)

// ctrCommand runs containers on a node without Kubernetes, also from the learner's shell.
func (a *app) ctrCommand() *cobra.Command {
	r := control.CtrRequest{}
	cmd := &cobra.Command{
		Use: "ctr", Short: "Containers on a node without Kubernetes; without arguments it says how",
		Example: "  drydock ctr run -d --name web -m 64Mi drydock/web:1\n  drydock ctr ps -a\n  drydock ctr diff web",
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Args = args
			code := 0
			err := a.ask(cmd.Context(), func(ctx context.Context, socket string) (err error) {
				code, err = control.RunCtr(ctx, socket, r, [3]*os.File{os.Stdin, os.Stdout, os.Stderr})
				return err
			})
			if err != nil {
				return err
			}
			return exit(code)
		},
	}
	cmd.Flags().StringVar(&r.Node, "node", "node-1", "which node")
	cmd.Flags().SetInterspersed(false)
	return cmd
}
