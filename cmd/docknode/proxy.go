package main

import (
	"context"
	"flag"

	"drydock/engine/proxy"
)

// runProxy is `docknode proxy`: it keeps the kernel's rules of one node in step with Services, until ctx ends.
func runProxy(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("docknode proxy", flag.ContinueOnError)
	var cfg proxy.Config
	flags.StringVar(&cfg.NodeName, "node", hostname(), "name of this node")
	flags.StringVar(&cfg.PodCIDR, "pod-cidr", "", "addresses of all pods of the cluster")
	flags.StringVar(&cfg.NodeIP, "node-ip", "", "address of this node: node ports are open there")
	kubeconfig := flags.String("kubeconfig", "/etc/kubernetes/kube-proxy.conf", "how to reach the API server")
	if err := flags.Parse(args); err != nil {
		return err
	}
	api, sink, err := connect(*kubeconfig)
	if err != nil {
		return err
	}
	cfg.REST, cfg.Recorder = api, sink
	p, err := proxy.New(cfg)
	if err != nil {
		return err
	}
	return runWith(ctx, sink, p.Run)
}
