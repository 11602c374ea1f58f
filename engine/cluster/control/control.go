// Package control is what a running lab can be asked, and the client's side of asking.
//
// # Part played
//
// systemctl and ssh: the way to the cluster's caretaker that does not go through the Kubernetes API.
//
// # How it works
//
// `drydock status` connects to the lab's control socket (sandbox/lab says how a call travels), sends the verb "status" and
// prints the one Status it gets back. `drydock shell` opens a pseudo-terminal, passes its far end along with the verb
// "exec", and copies bytes until the lab reports how the program ended.
//
// # Left out
//
// Any notion of who asks: the socket is the owner's (0600), as is everything behind it.
//
// # In Kubernetes
//
// Nothing: a cluster has no caretaker of its own; kubeadm, systemd and a cloud's console share the part.
package control

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"drydock/sandbox/lab"
)

// Verbs of the control socket.
const (
	VerbStatus = "status"
	VerbDown   = "down"
	VerbExec   = "exec"
)

// Progress is one line a starting lab writes for whoever started it.
type Progress struct {
	Step  string `json:"step,omitempty"`  // what begins now, for people
	Ready bool   `json:"ready,omitempty"` // the last line of a start that went well
	Error string `json:"error,omitempty"` // the last line of one that did not
}

// Node is one machine in Status.
type Node struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	PodCIDR string `json:"podCIDR"`
	State   string `json:"state"` // running, cut or stopped
	PID     int    `json:"pid,omitempty"`
	// Labels and Capacity are what the node was added with.
	Labels   map[string]string `json:"labels,omitempty"`
	Capacity map[string]string `json:"capacity,omitempty"`
}

// Forwarded is a port of this machine that leads to a Service.
type Forwarded struct {
	Address   string   `json:"address"` // 127.0.0.1:30080
	Network   string   `json:"network"` // tcp or udp
	Namespace string   `json:"namespace"`
	Service   string   `json:"service"`
	Port      int      `json:"port"`            // of the Service
	To        string   `json:"to"`              // what it leads to in the lab, for people
	Hosts     []string `json:"hosts,omitempty"` // of Ingresses that are served there
}

// PodNetworks are the ways in which packets of pods may get from machine to machine, the usual one first: by routes, or inside
// UDP packets.
var PodNetworks = []string{"routed", "vxlan"}

// Status is how a lab is.
type Status struct {
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	// Server is the API's address outside the lab, Inside the one the lab's own programs use.
	Server string `json:"server"`
	Inside string `json:"inside"`
	// PodNetwork is how packets of pods get from machine to machine: routed or vxlan.
	PodNetwork string `json:"podNetwork"`
	// Limits says which tier of resource limits is active, and LimitsNote what that means.
	Limits     string `json:"limits"`
	LimitsNote string `json:"limitsNote"`
	// IDs says which user ids exist in the lab.
	IDs    string `json:"ids"`
	Layers string `json:"layers,omitempty"`
	Nodes  []Node `json:"nodes"`
	// Forwards are the ports of this machine that lead into the lab.
	Forwards []Forwarded `json:"forwards,omitempty"`
	Version  string      `json:"version"`
}

// Exec is the body of VerbExec; three descriptors come beside it.
type Exec struct {
	// Args is the program; empty means the learner's shell.
	Args []string `json:"args,omitempty"`
	Env  []string `json:"env,omitempty"`
	Dir  string   `json:"dir,omitempty"` // empty means the workspace
	TTY  bool     `json:"tty,omitempty"`
}

// Exited is the last answer to VerbExec.
type Exited struct {
	// Code is as a shell would report it: 128 + n after signal n.
	Code int `json:"code"`
}

// AskStatus asks the lab behind socket how it is.
func AskStatus(ctx context.Context, socket string) (Status, error) {
	var s Status
	err := lab.Ask(ctx, socket, VerbStatus, nil, lab.Each(func(body json.RawMessage) error {
		return json.Unmarshal(body, &s)
	}))
	return s, err
}

// Down asks the lab to end and returns when it has stopped its parts. Its processes end a moment later.
func Down(ctx context.Context, socket string) error { return lab.Ask(ctx, socket, VerbDown, nil) }

// Run runs a program in the lab on the given descriptors and returns its exit code. It hangs up the program when ctx ends.
func Run(ctx context.Context, socket string, e Exec, files [3]*os.File) (int, error) {
	exited := Exited{Code: -1}
	err := lab.Ask(ctx, socket, VerbExec, e, lab.WithFiles(files[:]...), lab.Each(func(body json.RawMessage) error {
		return json.Unmarshal(body, &exited)
	}))
	if err != nil {
		return -1, fmt.Errorf("run in the lab: %w", err)
	}
	return exited.Code, nil
}
