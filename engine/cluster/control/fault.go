package control

import (
	"context"
	"time"
)

// Verbs about faults of the lab's cables.
const (
	VerbFault     = "fault"      // body FaultRequest; answers a Fault
	VerbFaults    = "faults"     // answers each Fault
	VerbFaultUndo = "fault-undo" // body FaultUndo; answers each Fault that is no more
)

// FaultKind is what can be wrong with a cable.
type FaultKind string

// The kinds. All are of each packet, in each direction.
const (
	FaultCut       FaultKind = "cut"       // nothing comes through
	FaultDelay     FaultKind = "delay"     // packets take longer
	FaultLoss      FaultKind = "loss"      // some never arrive
	FaultReorder   FaultKind = "reorder"   // some overtake others
	FaultBandwidth FaultKind = "bandwidth" // only so much comes through in a second
)

// FaultKinds are all of them, in the order in which they are listed.
var FaultKinds = []FaultKind{FaultCut, FaultDelay, FaultLoss, FaultReorder, FaultBandwidth}

// FaultRequest is the body of VerbFault. A fault of the same kind that is there already is replaced.
type FaultRequest struct {
	Kind FaultKind `json:"kind"`
	// Target is node/NAME or pod/NAMESPACE/NAME.
	Target    string        `json:"target"`
	Delay     time.Duration `json:"delay,omitempty"`     // FaultDelay
	Jitter    time.Duration `json:"jitter,omitempty"`    // FaultDelay: by how much it differs, more or less
	Percent   float64       `json:"percent,omitempty"`   // FaultLoss, FaultReorder
	Bandwidth int64         `json:"bandwidth,omitempty"` // FaultBandwidth: bits per second
	// For is how long it lasts; 0: until it is undone or the lab goes down.
	For time.Duration `json:"for,omitempty"`
}

// FaultUndo is the body of VerbFaultUndo. An empty field means every one.
type FaultUndo struct {
	Kind   FaultKind `json:"kind,omitempty"`
	Target string    `json:"target,omitempty"`
}

// Fault is one that holds.
type Fault struct {
	Kind   FaultKind `json:"kind"`
	Target string    `json:"target"`
	How    string    `json:"how,omitempty"` // "100ms ± 20ms", "10%", "1 Mbit/s"
	// By is what does it: "link down", "netem" or "relay", which is drydock's own work where the kernel has no netem.
	By    string    `json:"by"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // zero: until it is undone or the lab goes down
}

// MakeFault returns when the fault holds.
func MakeFault(ctx context.Context, socket string, r FaultRequest) (Fault, error) {
	return one[Fault](ctx, socket, VerbFault, r)
}

// Faults lists those that hold.
func Faults(ctx context.Context, socket string) ([]Fault, error) {
	return gather[Fault](ctx, socket, VerbFaults, nil)
}

// UndoFaults returns what was undone, when it is.
func UndoFaults(ctx context.Context, socket string, u FaultUndo) ([]Fault, error) {
	return gather[Fault](ctx, socket, VerbFaultUndo, u)
}
