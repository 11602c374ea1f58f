package endpointslice

import (
	"context"
	"errors"

	"drydock/engine/controller"
)

// Controller keeps the EndpointSlices of Services.
type Controller struct{}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) { return nil, errors.New("not yet") }

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error { return errors.New("not yet") }
