package namespace

import (
	"context"
	"errors"

	"drydock/engine/controller"
)

// Controller empties namespaces that are being deleted.
type Controller struct{}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) { return nil, errors.New("not yet") }

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error { return errors.New("not yet") }
