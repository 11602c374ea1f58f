package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

//go:embed addons
var addonFiles embed.FS

// addon is something that many clusters have and none is born with. It is installed by its manifest, as one would do it elsewhere.
type addon struct {
	name, does string
	rollout    []string // kubectl's words for what must be running before the addon is
}

var addons = []addon{
	{"ingress", "an ingress controller, its Service and the default IngressClass", []string{"--namespace=ingress", "deployment/ingress"}},
}

func (a addon) manifest() ([]byte, error) { return addonFiles.ReadFile("addons/" + a.name + ".yaml") }

func (a *app) addonCommand() *cobra.Command {
	cmd := family(&cobra.Command{
		Use: "addon", Short: "What many clusters have and none is born with: an ingress controller",
		Example: "  drydock addon add ingress\n  drydock addon show ingress",
	})
	cmd.AddCommand(
		&cobra.Command{
			Use: "ls", Short: "List the addons", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listAddons(cmd) },
		},
		a.addonChange("add", "Install an addon and wait until it runs", func(ctx context.Context, kubectl kubectlRun, x addon, manifest []byte) error {
			if err := kubectl(ctx, manifest, "apply", "-f", "-"); err != nil {
				return err
			}
			return kubectl(ctx, nil, append([]string{"rollout", "status", "--timeout=2m"}, x.rollout...)...)
		}),
		a.addonChange("rm", "Remove an addon and what belongs to it", func(ctx context.Context, kubectl kubectlRun, _ addon, manifest []byte) error {
			return kubectl(ctx, manifest, "delete", "--ignore-not-found", "-f", "-")
		}),
		&cobra.Command{
			Use: "show NAME", Short: "Print the manifest of an addon", Args: oneName("addon"),
			RunE: func(cmd *cobra.Command, args []string) error {
				_, manifest, err := findAddon(args[0])
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(manifest)
				return err
			},
		},
	)
	return cmd
}

func (a *app) addonChange(verb, short string, do func(context.Context, kubectlRun, addon, []byte) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: oneName("addon"),
		RunE: func(cmd *cobra.Command, args []string) error {
			x, manifest, err := findAddon(args[0])
			if err != nil {
				return err
			}
			kubectl, err := a.kubectlOn(cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return do(cmd.Context(), kubectl, x, manifest)
		},
	}
}

func findAddon(name string) (addon, []byte, error) {
	for _, x := range addons {
		if x.name == name {
			manifest, err := x.manifest()
			return x, manifest, err
		}
	}
	return addon{}, nil, usage("there is no addon %q; `drydock addon ls` lists them", name)
}

func (a *app) listAddons(cmd *cobra.Command) error {
	out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tINSTALLED\tWHAT IT IS")
	for _, x := range addons {
		kubectl, err := a.kubectlOn(io.Discard, io.Discard)
		if err != nil {
			return err
		}
		installed := "yes"
		if err := kubectl(cmd.Context(), nil, append([]string{"get"}, x.rollout...)...); err != nil {
			installed = "no"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\n", x.name, installed, x.does)
	}
	return out.Flush()
}

// kubectlRun runs kubectl with an input. Its output is the person's to read; an error says only that kubectl has said why.
type kubectlRun func(ctx context.Context, input []byte, args ...string) error

// kubectlOn is the lab's kubectl: in the lab's own shell the one on its PATH, outside the one carried along.
func (a *app) kubectlOn(stdout, stderr io.Writer) (kubectlRun, error) {
	path, env := "kubectl", os.Environ()
	place, err := a.reach()
	if err != nil {
		return nil, err
	}
	if place.home != "" {
		if place, err = a.unpacked(); err != nil {
			return nil, err
		}
		if _, err := os.Stat(place.lab.API()); err != nil {
			return nil, &codeError{exitNo, fmt.Errorf("lab %q is not running; `drydock up` starts it", place.lab.Name())}
		}
		path = place.programs.Path("kubectl")
		env = append(env, "KUBECONFIG="+place.lab.Kubeconfig(), "KUBECACHEDIR="+filepath.Join(string(place.home), "cache", place.lab.Name()))
	}
	return func(ctx context.Context, input []byte, args ...string) error {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, bytes.NewReader(input), stdout, stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return &codeError{exitNo, fmt.Errorf("kubectl %s ended with exit code %d", strings.Join(args, " "), exit.ExitCode())}
		}
		if err != nil {
			return fmt.Errorf("start kubectl: %w", err)
		}
		return nil
	}, nil
}
