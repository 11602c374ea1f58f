package main

import (
	"context"
	"fmt"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
)

// services are what pid 1 keeps running, in the order in which they start.
type services []*service

func (all services) start(ctx context.Context) {
	for _, s := range all {
		s.start(ctx)
	}
}

// shutDown ends them: the kubelet first, which ends the pods while the others still serve them.
func (all services) shutDown() {
	if kubelet, err := all.find("kubelet"); err == nil {
		kubelet.stop(errMachineEnds)
	}
	for _, s := range all {
		s.stop(nil)
	}
}

func (all services) find(name string) (*service, error) {
	for _, s := range all {
		if s.name() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("this node has no service %q", name)
}

// verbs are the orders about services: list, start NAME, stop NAME. What is started lives as long as ctx.
func (all services) verbs(ctx context.Context) map[string]lab.Handler {
	change := func(do func(*service)) lab.Handler {
		return func(_ context.Context, call *lab.Call) error {
			var name string
			if err := call.Decode(&name); err != nil {
				return err
			}
			s, err := all.find(name)
			if err == nil {
				do(s)
			}
			return err
		}
	}
	return map[string]lab.Handler{
		"start": change(func(s *service) { s.start(ctx) }),
		"stop":  change(func(s *service) { s.stop(nil) }),
		"list": func(_ context.Context, call *lab.Call) error {
			for _, s := range all {
				if err := call.Send(control.Component{Name: s.name(), State: s.state()}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
