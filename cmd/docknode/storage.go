package main

import (
	"context"
	"flag"

	"drydock/engine/storage"
	"drydock/engine/storage/pathdriver"
)

// runStorage is `docknode storage`: the driver of one node's volumes, until ctx ends. What it has mounted stays.
func runStorage(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("docknode storage", flag.ContinueOnError)
	var cfg pathdriver.Config
	flags.StringVar(&cfg.Node, "node", hostname(), "name of this node")
	flags.StringVar(&cfg.Local, "local", storage.Local, "where this node's volumes live")
	flags.StringVar(&cfg.Shared, "shared", storage.Shared, "where volumes live that all nodes see")
	flags.StringVar(&cfg.KubeletDir, "kubelet-dir", storage.KubeletDir, "where the sockets are, for the kubelet to find")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return pathdriver.New(cfg).Run(ctx)
}
