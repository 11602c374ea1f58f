package main

import (
	"context"
	"errors"
	"flag"

	"drydock/engine/policy"
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
	// The network's other half shares the process: it is small, and each process of a node costs memory.
	policies, err := policy.New(policy.Config{NodeName: cfg.NodeName, REST: api, Recorder: sink})
	if err != nil {
		return err
	}
	return runWith(ctx, sink, func(ctx context.Context) error { return together(ctx, p.Run, policies.Run) })
}

// together runs parts until all have ended; the first that fails ends the others.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() { ended <- part(ctx) }()
	}
	var errs []error
	for range parts {
		if err := <-ended; err != nil {
			errs = append(errs, err)
			stop()
		}
	}
	return errors.Join(errs...)
}
