package main

import (
	"context"
	"errors"
	"os"

	"drydock/engine/decision"
	"drydock/sandbox/cri"
)

// history passes what the runtime did on to the cluster's decision records. It lives here because sandbox/cri knows
// nothing of the cluster.
type history struct {
	actor string
	sink  *decision.Sink // nil where no API server is known: then nothing is kept
}

func openHistory(f runtimeFlags) (*history, error) {
	h := &history{actor: "runtime/" + f.node}
	if _, err := os.Stat(f.kubeconfig); errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	_, sink, err := connect(f.kubeconfig)
	h.sink = sink
	return h, err
}

// run sends until ctx ends.
func (h *history) run(ctx context.Context) {
	if h.sink != nil {
		_ = h.sink.Run(ctx) // ends with its context, never otherwise
	}
}

func (h *history) observe(s cri.Step) {
	if h.sink == nil {
		return
	}
	h.sink.Record(decision.Record{
		Time: s.Time, Actor: h.actor, Action: s.Action, After: s.After, Reason: s.Reason, Message: s.Message, Details: s.Details,
		Object: decision.Object{Resource: "pods", Namespace: s.Namespace, Name: s.Pod, UID: s.UID},
	})
}
