package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
)

// kubectlCommand becomes the real kubectl: exec, so that signals, the terminal and the exit code are its own.
func (a *app) kubectlCommand() *cobra.Command {
	return &cobra.Command{
		Use: "kubectl [ARGS...]", Short: "The real kubectl, aimed at the lab", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := a.ownFlags(args)
			if err != nil {
				return err
			}
			p, err := a.unpacked()
			if err != nil {
				return err
			}
			env := append(os.Environ(), "KUBECONFIG="+p.lab.Kubeconfig(), "KUBECACHEDIR="+filepath.Join(string(p.home), "cache", p.lab.Name()))
			if _, err := os.Stat(p.lab.Kubeconfig()); err != nil {
				return &codeError{exitNo, fmt.Errorf("lab %q has never been started; `drydock up` starts it", p.lab.Name())}
			}
			path := p.programs.Path("kubectl")
			if err := syscall.Exec(path, append([]string{"kubectl"}, args...), env); err != nil {
				return fmt.Errorf("start kubectl: %w", err)
			}
			return nil
		},
	}
}

// ownFlags takes a leading --name LAB off kubectl's arguments, which are otherwise not ours to read.
func (a *app) ownFlags(args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	if name, ok := strings.CutPrefix(args[0], "--name="); ok {
		a.labName = name
		return args[1:], nil
	}
	if args[0] != "--name" {
		return args, nil
	}
	if len(args) < 2 {
		return nil, usage("--name needs the name of a lab")
	}
	a.labName = args[1]
	return args[2:], nil
}

func (a *app) kubeconfigCommand() *cobra.Command {
	return &cobra.Command{
		Use: "kubeconfig", Short: "Print the lab's kubeconfig, for any other client", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.find()
			if err != nil {
				return err
			}
			if _, err := control.AskStatus(cmd.Context(), p.lab.Control()); err != nil {
				return &codeError{exitNo, fmt.Errorf("lab %q: %w; `drydock up` starts it", p.lab.Name(), err)}
			}
			text, err := os.ReadFile(p.lab.Kubeconfig())
			if err != nil {
				return fmt.Errorf("read the lab's kubeconfig: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
