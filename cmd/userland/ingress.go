package main

import (
	"context"
	"fmt"
	"net"
	"os/signal"
	"syscall"

	"drydock/engine/ingress"
)

var _ = register("ingress", "[-p NAMESPACE/SERVICE]   (an ingress controller, in a pod; image drydock/ingress)", ingressController)

// ingressController listens on 8080 and 8443, and on 10254 for the kubelet, as ingress-nginx does.
func ingressController(p *process) int {
	o, ok := p.options("p:")
	if !ok || len(o.rest) > 0 {
		return p.misuse()
	}
	api, err := ingress.InCluster()
	if err != nil {
		return p.fail(err)
	}
	var doors ingress.Doors
	for port, door := range map[int]*net.Listener{8080: &doors.HTTP, 8443: &doors.HTTPS, 10254: &doors.Health} {
		if *door, err = net.Listen("tcp", fmt.Sprintf(":%d", port)); err != nil {
			return p.fail(err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	fmt.Fprintln(p.stdout, "ingress: listening on 8080 for HTTP and on 8443 for HTTPS")
	if err := ingress.Serve(ctx, ingress.New(ingress.Options{API: api, Publish: o.value('p', ""), Log: p.stdout}), doors); err != nil {
		return p.fail(err)
	}
	return 0
}
