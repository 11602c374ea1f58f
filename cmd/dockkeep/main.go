// Command dockkeep is the keeper: the small process outside that a lab dies with (engine/cluster/keeper). It is started by
// drydock, never by hand.
//
// It is a program of its own because it waits beside each lab for as long as that lives, and stands in the way of every
// start: what it linked would be paid for in both.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"drydock/engine/cluster/keeper"
	"drydock/sandbox/home"
)

func main() {
	err := run(os.Args[1:])
	if errors.Is(err, keeper.ErrRunning) {
		os.Exit(keeper.ExitRunning)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockkeep:", err)
		os.Exit(4)
	}
}

// run stays until the lab has ended. Descriptor 3 takes its progress, 4 is a pidfd of whoever launched it.
func run(args []string) error {
	flags := flag.NewFlagSet("dockkeep", flag.ContinueOnError)
	homeDir := flags.String("home", "", "state directory")
	labDir := flags.String("lab", "", "the lab's directory")
	programs := flags.String("programs", "", "directory of the unpacked programs")
	nodes := flags.Int("nodes", 0, "how many nodes; 0: as many as it has, or three")
	grace := flags.Duration("node-grace", 0, "how long a node may be silent before it counts as gone; 0: Kubernetes' default")
	forward := flags.Bool("forward", false, "let the lab have ports of this machine's 127.0.0.1")
	version := flags.String("version", "", "version to report")
	bound := flags.Bool("end-with-launcher", false, "end the lab and remove it when the program that launched it has ended")
	if err := flags.Parse(args); err != nil {
		return err
	}
	unix.CloseOnExec(4)
	var launcher *os.File
	if *bound {
		launcher = os.NewFile(4, "launcher")
	}
	return keeper.Run(keeper.Options{
		Home: home.Home(*homeDir), Lab: home.Lab(*labDir), Programs: home.Programs(*programs), Nodes: *nodes, NodeGrace: *grace,
		Version: *version, Progress: os.NewFile(3, "progress"), Launcher: launcher,
		Forward: *forward,
	})
}
