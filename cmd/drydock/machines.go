package main

import (
	"context"
	"fmt"

	"drydock/engine/cluster/control"
	"drydock/lessons/pack"
	"drydock/sandbox/home"
)

// labMachines breaks and mends a lab's nodes and parts, for lessons that declare faults.
type labMachines struct{ lab home.Lab }

// Break implements course.Machines.
func (m labMachines) Break(ctx context.Context, f pack.Fault) error {
	if f.Component != "" {
		return control.ChangeComponent(ctx, m.lab.Control(), control.ComponentRequest{Name: f.Component})
	}
	action, ok := map[pack.FaultVerb]string{
		pack.FaultStop: control.NodeStop, pack.FaultKill: control.NodeKill, pack.FaultCut: control.NodeCut,
	}[f.Do]
	if !ok {
		return fmt.Errorf("there is no fault %q", f.Do)
	}
	return control.ChangeNode(ctx, m.lab.Control(), control.NodeRequest{Name: f.Node, Action: action})
}

// Mend implements course.Machines. Cables come first and parts before nodes that are off: a node is Ready only when its
// kubelet reaches the API server.
func (m labMachines) Mend(ctx context.Context) error {
	status, err := control.AskStatus(ctx, m.lab.Control())
	if err != nil {
		return err
	}
	if err := m.each(ctx, status.Nodes, "cut", control.NodeHeal); err != nil {
		return err
	}
	parts, err := control.Components(ctx, m.lab.Control())
	if err != nil {
		return err
	}
	for _, part := range parts {
		if part.State != "stopped" {
			continue
		}
		if err := control.ChangeComponent(ctx, m.lab.Control(), control.ComponentRequest{Name: part.Name, Run: true}); err != nil {
			return err
		}
	}
	return m.each(ctx, status.Nodes, "stopped", control.NodeStart)
}

// each does one thing to every node in a state.
func (m labMachines) each(ctx context.Context, nodes []control.Node, state, action string) error {
	for _, n := range nodes {
		if n.State != state {
			continue
		}
		if err := control.ChangeNode(ctx, m.lab.Control(), control.NodeRequest{Name: n.Name, Action: action}); err != nil {
			return err
		}
	}
	return nil
}
