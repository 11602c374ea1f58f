package tui

import (
	"context"
	"io"
	"time"
)

// Lab is the cluster and the learner's shell beside it.
//
// All methods may be called from any goroutine.
type Lab interface {
	// Start brings the lab up, or finds that it runs already, and returns when it can be used. It calls report, from
	// any goroutine, each time a step begins. An error that is or wraps a *Problem is shown in its own words.
	Start(ctx context.Context, report func(StartStep)) error

	// Shell opens a new learner's shell on a new pseudo-terminal of the given size. The interface calls it once the
	// window's size is known, and again each time a shell has ended.
	Shell(ctx context.Context, cols, rows int) (Pty, error)

	// Cluster sends what the cluster looks like: at once, and after each change. Each value is complete and is not
	// changed by the sender afterwards; a slow reader may miss values between two. Closed when ctx ends.
	Cluster(ctx context.Context) <-chan ClusterView

	// Status says which lab this is. It must not block.
	Status() LabStatus
}

// Pty is the master side of a pseudo-terminal with a shell on the other side.
type Pty interface {
	io.ReadWriteCloser // Close ends the shell and makes a blocked Read return. It may be called more than once.

	// Resize tells the shell the size of its window (TIOCSWINSZ).
	Resize(cols, rows int) error

	// Done is closed when the shell has ended.
	Done() <-chan struct{}
}

// StartStep is one step of bringing a lab up, as the start-up screen shows it.
type StartStep struct {
	ID   string // a stable word: "unpack", "control-plane", "nodes", …
	Text string // what is being done, for a person; used as it is
	Done bool   // the step has ended well
}

// Problem is a failure that a learner can do something about.
type Problem struct {
	What  string   // what happened: "This machine cannot run a lab."
	Where string   // on what: "user namespaces are switched off (kernel.unprivileged_userns_clone=0)"
	Try   []string // what to try next, one command or sentence per line
	Err   error    // the cause, if there is one
}

// Error joins what happened and where.
func (p *Problem) Error() string {
	text := p.What
	if p.Where != "" {
		text += " " + p.Where
	}
	if p.Err != nil {
		text += ": " + p.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// LabStatus is what the status line says of the lab.
type LabStatus struct {
	Name    string // "default"
	Tier    string // which limits are active, in two or three words: "cgroup v2", "emulated limits"
	Address string // where the API listens, for other clients
}

// ClusterView is one picture of the cluster. Rows come in the order in which they are to be shown; an order that does
// not change with the state of a row keeps the picture still.
type ClusterView struct {
	Nodes     []NodeRow
	Pods      []PodRow
	Workloads []WorkloadRow
	Services  []ServiceRow
	Events    []EventRow // oldest first
}

// NodeRow is one machine of the cluster.
type NodeRow struct {
	Name    string
	Address string
	Status  string // kubectl's words: "Ready", "NotReady", "Ready,SchedulingDisabled"
	Ready   bool
	Pods    int // pods on it
	Created time.Time
}

// PodRow is one pod.
type PodRow struct {
	Namespace string
	Name      string
	Ready     string // "1/1"
	Status    string // kubectl's words: "Pending", "ContainerCreating", "Running", "CrashLoopBackOff", "Terminating" …
	Restarts  int
	Node      string
	Address   string
	Owner     string // "replicaset/web-5d4f", or empty
	Created   time.Time
}

// WorkloadRow is one object that owns pods.
type WorkloadRow struct {
	Kind      string // "Deployment", "ReplicaSet", …
	Namespace string
	Name      string
	Ready     int
	Desired   int
	Status    string // a word when there is one to say: "Progressing"
	Owner     string // "deployment/web", or empty
	Created   time.Time
}

// ServiceRow is one Service.
type ServiceRow struct {
	Namespace string
	Name      string
	Type      string
	Address   string
	Ports     string
	Endpoints int // ready ones
}

// EventRow is one Event object.
type EventRow struct {
	Time    time.Time
	Warning bool
	Reason  string
	Object  string // "pod/web"
	Message string
	Count   int
}
