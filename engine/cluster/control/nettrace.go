package control

import (
	"context"
	"encoding/json"

	"drydock/sandbox/lab"
)

// VerbNetTrace follows one connection through the lab.
const VerbNetTrace = "net-trace"

// TraceRequest is the body of VerbNetTrace.
type TraceRequest struct {
	From     string `json:"from"` // NAMESPACE/POD, a node's name, or "shell": the learner's
	To       string `json:"to"`   // name or address, and port
	Protocol string `json:"protocol"`
	// As asks, instead, what kube-proxy would have written for the destination in another mode: iptables or ipvs. The answer is one
	// step whose Rule has many lines.
	As string `json:"as,omitempty"`
}

// TraceStep is one thing that happens to the packet; they come in order.
type TraceStep struct {
	Where  string `json:"where"`            // the machine
	What   string `json:"what"`             // where on it, or what happens
	Rule   string `json:"rule,omitempty"`   // as nft(8) or ip(8) would print it
	Packet string `json:"packet,omitempty"` // as it is afterwards
	// End is empty but for the last step: arrived, dropped, rejected, lost or unnamed.
	End string `json:"end,omitempty"`
}

// NetTrace asks for the way of one connection.
func NetTrace(ctx context.Context, socket string, r TraceRequest) ([]TraceStep, error) {
	var steps []TraceStep
	err := lab.Ask(ctx, socket, VerbNetTrace, r, lab.Each(func(body json.RawMessage) error {
		return json.Unmarshal(body, &steps)
	}))
	return steps, err
}
