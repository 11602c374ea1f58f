package cluster

import (
	"context"
	"fmt"
	"sync"
)

// Which parts of a lab do not simply run is as much of its state as its objects are.

// resting are the machines, components and services that are not running, with what they are instead, by name. Services of a
// machine that is off are off with it.
func (c *Cluster) resting(ctx context.Context) (map[string]string, error) {
	parts := map[string]string{}
	c.mu.Lock()
	for _, p := range c.components {
		if state := p.state(); state != "running" {
			parts[p.name] = state
		}
	}
	c.mu.Unlock()
	var mu sync.Mutex
	err := together(c.allNodes(), func(n *node) error {
		services, err := servicesOf(ctx, n)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if state := n.status().State; state != "running" {
			parts[n.name] = state
		}
		for _, s := range services {
			if s.State == "stopped" {
				parts[s.Name] = s.State
			}
		}
		return nil
	})
	return parts, err
}

// settleMachines brings machines, and the services on them, to the state of the snapshot. Those that came since are left alone.
// Cables become good: which of them were slow or lossy is not kept.
func (r *restore) settleMachines(ctx context.Context) error {
	if _, err := r.undo(func(f *fault) bool { return !f.pulls() }); err != nil {
		return err
	}
	now, err := r.resting(ctx)
	if err != nil {
		return err
	}
	return together(r.allNodes(), func(n *node) error {
		if err := r.settleMachine(ctx, n, now); err != nil {
			return fmt.Errorf("bring %s back to what it was: %w", n.name, err)
		}
		return nil
	})
}

func (r *restore) settleMachine(ctx context.Context, n *node, now map[string]string) error {
	then := r.about.Parts
	switch was, is := then[n.name], now[n.name]; {
	case was == is:
	case was == "stopped":
		return r.powerOff(n)
	case is == "stopped":
		if err := r.powerOn(ctx, n); err != nil {
			return err
		}
		if was == "cut" {
			return r.setLink(n, false)
		}
	default:
		if err := r.setLink(n, was != "cut"); err != nil {
			return err
		}
	}
	if then[n.name] == "stopped" {
		return nil
	}
	for _, service := range nodeServices {
		name := service + "@" + n.name
		if then[name] == now[name] {
			continue
		}
		if err := r.changeService(ctx, service, n.name, then[name] == ""); err != nil {
			return err
		}
	}
	return nil
}
