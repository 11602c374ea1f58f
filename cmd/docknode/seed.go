package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"drydock/sandbox/image"
)

// seed unpacks the archive on its standard input, once.
func seed(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	to := flags.String("to", "", "the folder to unpack into; nothing is read when it is there already")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	if *to == "" {
		return errors.New("--to is needed: the folder to unpack into")
	}
	return image.Seed(ctx, *to, os.Stdin)
}
