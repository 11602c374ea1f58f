package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"drydock/sandbox/doctor/probe"
)

// runProbe is `docknode probe`: it tries what this machine offers, inside a throw-away lab, for `drydock doctor`.
// Descriptor 3 takes the trials.
func runProbe(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("docknode probe", flag.ContinueOnError)
	var o probe.Options
	flags.StringVar(&o.Scratch, "scratch", "", "a directory to write into")
	flags.StringVar(&o.Programs, "programs", "", "the directory of this program")
	inMachine := flags.Bool("machine", false, "this is the machine inside the lab")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	trials := os.NewFile(3, "trials")
	if *inMachine {
		probe.RunMachine(trials)
		return nil
	}
	return probe.Run(o, trials)
}
