package serviceaccount

import (
	"context"
	"errors"

	"drydock/engine/controller"
)

// Controller gives every namespace its "default" ServiceAccount and its kube-root-ca.crt ConfigMap.
type Controller struct{}

// New makes the controller; ca is the cluster's certificate authority in PEM. Nothing runs before Run.
func New(cfg controller.Config, ca []byte) (*Controller, error) { return nil, errors.New("not yet") }

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error { return errors.New("not yet") }
