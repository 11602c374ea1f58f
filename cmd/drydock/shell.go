package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/creack/pty"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
)

func (a *app) shellCommand() *cobra.Command {
	return &cobra.Command{
		Use: "shell", Short: "Open your shell inside the lab's network", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.kubeconfig != "" {
				return a.shellElsewhere()
			}
			return a.inLab(cmd.Context(), control.Exec{})
		},
	}
}

func (a *app) execCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "exec -- CMD [ARGS...]", Short: "Run one command inside the lab's network",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("`drydock exec` needs a command, e.g. drydock exec -- kubectl get nodes")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.inLab(cmd.Context(), control.Exec{Args: args}) },
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// inLab runs e with this process's standard streams, through a pseudo-terminal when both ends are one.
func (a *app) inLab(ctx context.Context, e control.Exec) error {
	return a.attached(a.find, func(tty bool, files [3]*os.File, socket string) (int, error) {
		e.Env, e.TTY = learnersEnvironment(), tty
		return control.Run(ctx, socket, e, files)
	})
}

// attached lets a program of the lab use this process's standard streams and ends with its exit code.
func (a *app) attached(find func() (place, error), run func(tty bool, files [3]*os.File, socket string) (int, error)) error {
	p, err := find()
	if err != nil {
		return err
	}
	var code int
	if term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) {
		code, err = onTerminal(func(files [3]*os.File) (int, error) { return run(true, files, p.lab.Control()) })
	} else {
		code, err = run(false, [3]*os.File{os.Stdin, os.Stdout, os.Stderr}, p.lab.Control())
	}
	if errors.Is(err, lab.ErrNotRunning) {
		return &codeError{exitNo, fmt.Errorf("lab %q is not running; `drydock up` starts it", p.lab.Name())}
	}
	if err != nil {
		return err
	}
	return exit(code)
}

// learnersEnvironment is what a program in the lab inherits from here.
func learnersEnvironment() []string {
	home, _ := os.UserHomeDir() // empty where there is none: then there is no .bashrc to read either
	return append(os.Environ(), "DRYDOCK_USER_HOME="+home)
}

// onTerminal runs a program on a new pseudo-terminal and ties our terminal to it.
func onTerminal(run func([3]*os.File) (int, error)) (int, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return -1, fmt.Errorf("open a pseudo-terminal: %w", err)
	}
	defer master.Close()
	resize := func() { _ = pty.InheritSize(os.Stdin, master) } // a terminal without a size keeps the default
	resize()
	changes := make(chan os.Signal, 1)
	signal.Notify(changes, syscall.SIGWINCH)
	defer signal.Stop(changes)
	go func() { // ends with the process
		for range changes {
			resize()
		}
	}()
	before, err := term.MakeRaw(int(os.Stdin.Fd()))
	if err != nil {
		slave.Close()
		return -1, fmt.Errorf("take over the terminal: %w", err)
	}
	defer func() { _ = term.Restore(int(os.Stdin.Fd()), before) }() // nothing left to do if it fails
	drained := make(chan struct{})
	go func() { _, _ = io.Copy(master, os.Stdin) }() // ends with the process: a read of a terminal cannot be called back
	go func() {
		_, _ = io.Copy(os.Stdout, master) // ends with EIO when the last program on the terminal has gone
		close(drained)
	}()
	code, err := run([3]*os.File{slave, slave, slave})
	slave.Close()
	<-drained
	return code, err
}
