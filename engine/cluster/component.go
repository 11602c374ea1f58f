package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/sandbox/lab"
)

// servicesSocket is where pid 1 of a node takes orders about the node's services; cmd/docknode serves it.
const servicesSocket = "/run/drydock/services.sock"

// Names of the control plane's components.
const (
	scheduling  = "scheduler"
	controlling = "controller-manager"
	naming      = "dns"
)

// nodeServices are what pid 1 of each node keeps running.
var nodeServices = []string{"kubelet", "storage", "proxy"}

// part is a loop that works until its context ends.
type part func(context.Context) error

// component is something of the control plane that people may stop, to see what a cluster is without it.
type component struct {
	name string
	// prepare makes the component afresh; what it starts ends with ctx. Its parts are named for the error of one that ends by itself.
	prepare func(ctx context.Context) (map[string]part, error)

	mu sync.Mutex
	// guarded by mu
	cancel context.CancelFunc // nil while it is stopped
	ended  *sync.WaitGroup    // its parts
}

// addComponent makes a component known and starts it.
func (c *Cluster) addComponent(ctx context.Context, name string, prepare func(context.Context) (map[string]part, error)) error {
	p := &component{name: name, prepare: prepare}
	c.mu.Lock()
	c.components[name] = p
	c.mu.Unlock()
	return c.startComponent(ctx, p)
}

// startComponent starts p unless it runs. ctx is the cluster's.
func (c *Cluster) startComponent(ctx context.Context, p *component) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	parts, err := p.prepare(ctx)
	if err != nil {
		cancel()
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cancel, p.ended = cancel, &sync.WaitGroup{}
	for name, run := range parts {
		p.ended.Add(1)
		c.run(ctx, name, func(ctx context.Context) error {
			defer p.ended.Done()
			return run(ctx)
		})
	}
	return nil
}

// stop returns when every part of the component has ended.
func (p *component) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel == nil {
		return
	}
	p.cancel()
	p.ended.Wait()
	p.cancel = nil
}

func (p *component) state() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel == nil {
		return "stopped"
	}
	return "running"
}

// listComponents answers control.VerbComponents.
func (c *Cluster) listComponents(ctx context.Context, call *lab.Call) error {
	c.mu.Lock()
	own := slices.Collect(maps.Values(c.components))
	c.mu.Unlock()
	slices.SortFunc(own, func(a, b *component) int { return strings.Compare(a.name, b.name) })
	for _, p := range own {
		if err := call.Send(control.Component{Name: p.name, State: p.state()}); err != nil {
			return err
		}
	}
	for _, n := range c.allNodes() {
		services, err := servicesOf(ctx, n)
		if err != nil {
			return err
		}
		for _, s := range services {
			if err := call.Send(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// servicesOf are the services of one node, as its pid 1 lists them.
func servicesOf(ctx context.Context, n *node) ([]control.Component, error) {
	m, _ := n.running()
	if m == nil {
		var off []control.Component
		for _, service := range nodeServices {
			off = append(off, control.Component{Name: service + "@" + n.name, State: "off"})
		}
		return off, nil
	}
	var services []control.Component
	err := lab.Ask(ctx, m.File(servicesSocket), "list", nil, lab.Each(func(raw json.RawMessage) error {
		var s control.Component
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		s.Name += "@" + n.name
		services = append(services, s)
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("ask %s for its services: %w", n.name, err)
	}
	return services, nil
}

// changeComponent makes the handler of control.VerbComponent. What it starts lives as long as life.
func (c *Cluster) changeComponent(life context.Context) lab.Handler {
	return func(ctx context.Context, call *lab.Call) error {
		var r control.ComponentRequest
		if err := call.Decode(&r); err != nil {
			return err
		}
		if service, at, ok := strings.Cut(r.Name, "@"); ok {
			return c.changeService(ctx, service, at, r.Run)
		}
		c.mu.Lock()
		p := c.components[r.Name]
		c.mu.Unlock()
		if p == nil {
			return fmt.Errorf("this lab has no component %q; `drydock component ls` lists them", r.Name)
		}
		if r.Run {
			if err := c.startComponent(life, p); err != nil {
				return err
			}
		} else {
			p.stop()
		}
		c.recordComponent(r)
		return nil
	}
}

// changeService stops or starts a service of one node.
func (c *Cluster) changeService(ctx context.Context, service, at string, run bool) error {
	n, err := c.find(at)
	if err != nil {
		return err
	}
	m, _ := n.running()
	if m == nil {
		return errOff(n)
	}
	verb := "stop"
	if run {
		verb = "start"
	}
	if err := lab.Ask(ctx, m.File(servicesSocket), verb, service); err != nil {
		return fmt.Errorf("%s %s on %s: %w", verb, service, at, err)
	}
	c.recordComponent(control.ComponentRequest{Name: service + "@" + at, Run: run})
	return nil
}

func (c *Cluster) recordComponent(r control.ComponentRequest) {
	action, after := "StopComponent", "stopped"
	if r.Run {
		action, after = "StartComponent", "running"
	}
	c.ring.Record(decision.Record{
		Actor: "machine-room", Object: decision.Object{Resource: "components", Name: r.Name}, Action: action, After: after,
	})
}
