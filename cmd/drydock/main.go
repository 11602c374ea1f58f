// Command drydock is what a person types. It parses flags, wires parts together and chooses an exit code; nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// Exit codes.
const (
	exitNo      = 1 // the answer is no: a check failed, a grade is below the minimum
	exitUsage   = 2
	exitMachine = 3 // this machine cannot run a lab; doctor says why
	exitOurs    = 4 // something of ours broke
)

// version is set by the build.
var version = "v0.1.0-dev"

func main() {
	klog.SetLogger(klog.Logger{}) // which prints nothing: what client-go has to say of a probe that was cut off is no message to a person
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := Run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// codeError carries an exit code to main. A nil err says nothing more.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &codeError{exitUsage, fmt.Errorf(format, args...)}
}

// exit ends a command with a code it got from elsewhere; zero is success.
func exit(code int) error {
	if code == 0 {
		return nil
	}
	return &codeError{code: code}
}

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var coded *codeError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &coded):
		if coded.err != nil {
			fmt.Fprintln(os.Stderr, "drydock:", coded.err)
		}
		return coded.code
	default:
		fmt.Fprintln(os.Stderr, "drydock:", err)
		return exitOurs
	}
}

// defaultLab is the lab of whoever has only one.
const defaultLab = "lab"

// app is what every command shares.
type app struct {
	labName string
	lang    string
	json    bool
	pack    string
	learner string

	kubeconfig string // of another cluster than a lab; "" for a lab
	images     string // where that cluster finds the images that drydock carries
	archive    string // where those images are on this machine
}

func newRoot() *cobra.Command {
	a := &app{}
	root := &cobra.Command{
		Use:           "drydock",
		Short:         "Learn containers and Kubernetes by running them",
		Long:          "Drydock starts a small Kubernetes cluster of real Linux namespaces on this machine, without root, Docker or the\ninternet, and leads you through it with exercises that check themselves.\n\nWithout a command it opens the interface.",
		SilenceErrors: true, SilenceUsage: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q; `drydock --help` lists them", args[0])
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w", err) })
	var look interfaceFlags
	look.register(root)
	root.RunE = func(cmd *cobra.Command, _ []string) error { return a.open(cmd, look) }
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		switch takes := takesKubeconfig(cmd); {
		case a.kubeconfig == "" && takes:
			a.kubeconfig = os.Getenv(kubeconfigVariable)
		case a.kubeconfig != "" && !takes:
			return usage("--kubeconfig is for lessons on another cluster: drydock --kubeconfig FILE lesson, check and shell; `%s` is about labs", cmd.CommandPath())
		}
		if a.lang != "" && a.lang != "en" && a.lang != "ko" {
			return usage("--lang takes en or ko, not %q", a.lang)
		}
		return nil
	}
	root.PersistentFlags().StringVar(&a.lang, "lang", "", "language of lessons and interface: en or ko")
	root.PersistentFlags().StringVar(&a.labName, "name", defaultLab, "which lab; many can run side by side")
	root.PersistentFlags().StringVar(&a.kubeconfig, "kubeconfig", "", "a `FILE`: lesson, check and shell are about the cluster that it leads to, not about a lab (also "+kubeconfigVariable+")")
	root.PersistentFlags().StringVar(&a.learner, "learner", "", "who learns: an id that is kept, such as a student number (also "+learnerVariable+")")
	root.AddCommand(
		a.upCommand(), a.downCommand(), a.resetCommand(), a.statusCommand(),
		a.kubectlCommand(), a.kubeconfigCommand(), a.shellCommand(), a.execCommand(), a.traceCommand(), a.portCommand(), a.netCommand(),
		a.nodeCommand(), a.faultCommand(), a.componentCommand(), a.addonCommand(), a.snapshotCommand(), a.ctrCommand(),
		a.lessonCommand(), a.checkCommand(), a.packCommand(), a.submitCommand(), a.replayCommand(), a.gradeCommand(), a.doctorCommand(), versionCommand(),
	)
	return root
}

// family makes a command that only holds others: alone it helps, and a word that is none of them is a mistake.
func family(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("there is no `drydock %s %s`; `drydock %[1]s --help` lists what there is", cmd.Name(), args[0])
		}
		return nil
	}
	cmd.RunE = func(*cobra.Command, []string) error { return cmd.Help() }
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "drydock %s (Kubernetes v1.37.1)\n", version)
			return err
		},
	}
}
