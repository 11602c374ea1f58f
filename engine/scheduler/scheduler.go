package scheduler

import (
	"context"
	"errors"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"drydock/engine/decision"
)

// Config is what the scheduler is made of. Call New before Informers.Start and Run after it.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory
	Decisions decision.Recorder
}

// Scheduler gives every pod that asks for it a node.
type Scheduler struct{}

// New makes the scheduler. Nothing runs before Run.
func New(cfg Config) (*Scheduler, error) { return nil, errors.New("not yet") }

// Run works until ctx ends.
func (s *Scheduler) Run(ctx context.Context) error { return errors.New("not yet") }
