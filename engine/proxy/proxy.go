package proxy

import (
	"context"
	"errors"

	"k8s.io/client-go/rest"

	"drydock/engine/decision"
)

// Config is all a proxy must be told.
type Config struct {
	NodeName string
	// REST is how to reach the API server.
	REST *rest.Config
	// PodCIDR is the range of all pods of the cluster: what comes from outside it is masqueraded on its way to a Service.
	PodCIDR string
	// Recorder takes decision records; nil drops them.
	Recorder decision.Recorder
}

// Proxy keeps the calling process's network namespace in step with Services and EndpointSlices.
type Proxy struct {
	cfg Config // set once in New
}

// New checks cfg; nothing is contacted before Run.
func New(cfg Config) (*Proxy, error) {
	if cfg.Recorder == nil {
		cfg.Recorder = decision.Discard
	}
	return &Proxy{cfg: cfg}, nil
}

// Run follows Services and EndpointSlices and keeps the kernel's rules equal to them until ctx ends. The rules stay.
func (p *Proxy) Run(ctx context.Context) error {
	return errors.New("not yet")
}
