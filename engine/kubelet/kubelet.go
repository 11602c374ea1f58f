package kubelet

import (
	"context"
	"errors"
)

// Kubelet looks after one node. Make it with New, start it with Run.
type Kubelet struct {
	cfg Config // set once in New
}

// New checks cfg and prepares a kubelet; nothing is contacted before Run.
func New(cfg Config) (*Kubelet, error) {
	cfg.setDefaults()
	return &Kubelet{cfg: cfg}, nil
}

// Run registers the node and looks after its pods until ctx ends. Containers keep running when it returns.
func (k *Kubelet) Run(ctx context.Context) error {
	return errors.New("not yet")
}
