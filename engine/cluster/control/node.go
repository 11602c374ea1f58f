package control

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"drydock/sandbox/lab"
)

// Verbs about nodes and about parts of the cluster.
const (
	VerbNode       = "node"       // body NodeRequest
	VerbNodeAdd    = "node-add"   // body NodePlan; answers each Node
	VerbNodeExec   = "node-exec"  // body NodeExec; like VerbExec
	VerbComponent  = "component"  // body ComponentRequest
	VerbComponents = "components" // answers each Component
)

// What can be done with a node that is there.
const (
	NodeStop   = "stop"   // in order: its pods are ended first
	NodeStart  = "start"  // returns when it is Ready
	NodeKill   = "kill"   // cut the power
	NodeCut    = "cut"    // pull the network cable
	NodeHeal   = "heal"   // put the cable back
	NodeRemove = "remove" // for good, with its object and its state
)

// NodeRequest is the body of VerbNode.
type NodeRequest struct {
	Name   string `json:"name"`
	Action string `json:"action"`
	Force  bool   `json:"force,omitempty"` // NodeRemove: whatever runs there
}

// NodePlan is the body of VerbNodeAdd: machines to buy, all alike.
type NodePlan struct {
	Count  int               `json:"count"`
	Labels map[string]string `json:"labels,omitempty"`
	// Capacity is what the nodes say they have, as quantities by resource: {"cpu": "2", "memory": "1Gi", "pods": "20"}.
	Capacity map[string]string `json:"capacity,omitempty"`
}

// NodeExec is the body of VerbNodeExec; three descriptors come beside it.
type NodeExec struct {
	Name string `json:"name"`
	Exec
}

// Component is one part of the cluster that can be stopped and started.
type Component struct {
	Name  string `json:"name"`
	State string `json:"state"` // running, stopped, or off: its node is
}

// ComponentRequest is the body of VerbComponent.
type ComponentRequest struct {
	Name string `json:"name"`
	Run  bool   `json:"run"` // start it; else stop it
}

// ChangeNode does r and returns when it is done.
func ChangeNode(ctx context.Context, socket string, r NodeRequest) error {
	return lab.Ask(ctx, socket, VerbNode, r)
}

// AddNodes returns the new nodes once all of them are Ready.
func AddNodes(ctx context.Context, socket string, p NodePlan) ([]Node, error) {
	return gather[Node](ctx, socket, VerbNodeAdd, p)
}

// Components lists what ChangeComponent knows.
func Components(ctx context.Context, socket string) ([]Component, error) {
	return gather[Component](ctx, socket, VerbComponents, nil)
}

// ChangeComponent starts or stops a part and returns when that is done.
func ChangeComponent(ctx context.Context, socket string, r ComponentRequest) error {
	return lab.Ask(ctx, socket, VerbComponent, r)
}

// RunOnNode is Run for a program on a node.
func RunOnNode(ctx context.Context, socket string, e NodeExec, files [3]*os.File) (int, error) {
	exited := Exited{Code: -1}
	err := lab.Ask(ctx, socket, VerbNodeExec, e, lab.WithFiles(files[:]...), lab.Each(func(body json.RawMessage) error {
		return json.Unmarshal(body, &exited)
	}))
	if err != nil {
		return -1, fmt.Errorf("run on %s: %w", e.Name, err)
	}
	return exited.Code, nil
}

// gather asks and collects all answers.
func gather[T any](ctx context.Context, socket, verb string, body any) ([]T, error) {
	var all []T
	err := lab.Ask(ctx, socket, verb, body, lab.Each(func(raw json.RawMessage) error {
		var one T
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		all = append(all, one)
		return nil
	}))
	return all, err
}
