package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"drydock/sandbox/reach"
)

// errAsk says how to ask.
var errAsk = errors.New("usage: docknode ask [--send TEXT] [--wait DURATION] http URL | tcp HOST:PORT | udp HOST:PORT | dns NAME")

// ask is `docknode ask`: it asks for something over the network from where it is, and prints the answer as JSON. The
// checks of lessons use it to ask from a node.
func ask(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("docknode ask", flag.ContinueOnError)
	send := flags.String("send", "", "what to send to a UDP port")
	wait := flags.Duration("wait", time.Second, "how long to wait for what comes back")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	if flags.NArg() != 2 {
		return errAsk
	}
	here, target := reach.Dialer(new(net.Dialer).DialContext), flags.Arg(1)
	var answer any
	var err error
	switch flags.Arg(0) {
	case "http":
		answer, err = here.HTTP(ctx, target)
	case "tcp":
		answer, err = here.TCP(ctx, target)
	case "udp":
		answer, err = here.UDP(ctx, target, *send, *wait)
	case "dns":
		answer, err = reach.Names(ctx, target)
	default:
		return errAsk
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
