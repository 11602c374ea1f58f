package nodelifecycle

import (
	"context"
	"errors"
	"time"

	"drydock/engine/controller"
)

// Options of the controller; the zero value is Kubernetes' defaults.
type Options struct {
	// GracePeriod is how long a node may be silent before it counts as gone; 40 s... see Kubernetes'
	// --node-monitor-grace-period.
	GracePeriod time.Duration
}

// Controller notices nodes that have gone silent.
type Controller struct{}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config, opts Options) (*Controller, error) {
	return nil, errors.New("not yet")
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error { return errors.New("not yet") }
