// Command dockplane is pid 1 of a lab: the control plane and the cluster's caretaker.
//
// It is started by drydock (see sandbox/lab), never by hand. Descriptor 3 takes progress as lines of JSON, descriptor 4
// is a listener on the machine's 127.0.0.1, and 5, if there is one, gives out more of them (sandbox/hostport).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"drydock/engine/cluster"
	"drydock/engine/cluster/control"
	"drydock/sandbox/footprint"
	"drydock/sandbox/home"
	"drydock/sandbox/hostport"
	"drydock/sandbox/lab"
)

func main() {
	syscall.CloseOnExec(3) // the nodes must not hold it open
	progress := json.NewEncoder(os.NewFile(3, "progress"))
	if err := run(os.Args[1:], progress); err != nil {
		// Whoever waits reads it there; whoever comes later reads it in the log.
		_ = progress.Encode(control.Progress{Error: err.Error()})
		fmt.Fprintln(os.Stderr, "dockplane:", err)
		os.Exit(4)
	}
}

func run(args []string, progress *json.Encoder) error {
	flags := flag.NewFlagSet("dockplane", flag.ContinueOnError)
	homeDir := flags.String("home", "", "state directory")
	labDir := flags.String("lab", "", "the lab's directory")
	programs := flags.String("programs", "", "directory of the unpacked programs")
	nodes := flags.Int("nodes", 0, "how many nodes; 0: as many as it has, or three")
	grace := flags.Duration("node-grace", 0, "how long a node may be silent before it counts as gone; 0: Kubernetes' default")
	hostPorts := flags.Bool("host-ports", false, "descriptor 5 gives out ports of the machine")
	version := flags.String("version", "", "version to report")
	if err := flags.Parse(args); err != nil {
		return err
	}
	opts := cluster.Options{
		Home: home.Home(*homeDir), Lab: home.Lab(*labDir), Programs: home.Programs(*programs), Nodes: *nodes, NodeGrace: *grace, Version: *version,
		Progress: func(step string) { _ = progress.Encode(control.Progress{Step: step}) }, // nobody may be listening
	}
	inside, err := lab.Enter(lab.View{Writable: []string{*labDir, opts.Home.Images()}, ReadOnly: []string{*programs}})
	if err != nil {
		return fmt.Errorf("enter the lab: %w", err)
	}
	opts.Inside = inside
	public := os.NewFile(4, "public")
	if opts.Public, err = net.FileListener(public); err != nil {
		return errors.Join(errors.New("descriptor 4 is not a listener"), err)
	}
	public.Close()
	if *hostPorts {
		if opts.HostPorts, err = hostport.New(os.NewFile(5, "ports")); err != nil {
			return err
		}
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process
		inside.OnOrphaned()
		cancel()
	}()
	return cluster.Run(ctx, opts, func() {
		_ = progress.Encode(control.Progress{Ready: true})
		footprint.After(ctx, time.Second)
	})
}
