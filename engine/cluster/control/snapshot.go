package control

import (
	"context"
	"encoding/json"
	"time"

	"drydock/sandbox/lab"
)

// Verbs about snapshots of the lab.
const (
	VerbSnapshotSave    = "snapshot-save"    // body SnapshotRequest; answers a Snapshot
	VerbSnapshotRestore = "snapshot-restore" // body SnapshotRequest; answers a Restored
	VerbSnapshotList    = "snapshot-list"    // answers each Snapshot
	VerbSnapshotRemove  = "snapshot-remove"  // body SnapshotRequest
)

// SnapshotRequest names a snapshot. A name that begins with a dot is not a person's: it is not listed unless asked for.
type SnapshotRequest struct {
	Name string `json:"name"`
	// Note is kept with a snapshot that is saved, for whoever saved it.
	Note string `json:"note,omitempty"`
	// WithoutWorkspace saves no copy of the learner's folder; restoring leaves it as it is then.
	WithoutWorkspace bool `json:"withoutWorkspace,omitempty"`
	// Replace lets a snapshot of that name be replaced when one is saved.
	Replace bool `json:"replace,omitempty"`
	// All lists those that are not a person's too.
	All bool `json:"all,omitempty"`
}

// Snapshot is what there is to say about one.
type Snapshot struct {
	Name     string    `json:"name"`
	Note     string    `json:"note,omitempty"`
	Taken    time.Time `json:"taken"`
	Revision int64     `json:"revision"` // the store's
	Objects  int       `json:"objects"`
	Bytes    int64     `json:"bytes"` // as its files count; what they share with others is counted again
	Nodes    []string  `json:"nodes"` // the machines that were on
	// WithoutWorkspace: the learner's folder is no part of it.
	WithoutWorkspace bool `json:"withoutWorkspace,omitempty"`
	// Parts are the states of machines and components that were not simply running, by name.
	Parts map[string]string `json:"parts,omitempty"`
}

// Restored is what a restore did.
type Restored struct {
	Snapshot
	// Made, Changed and Gone count objects; Again pods that were begun again.
	Made    int `json:"made"`
	Changed int `json:"changed"`
	Gone    int `json:"gone"`
	Again   int `json:"again"`
	// Now is the store's revision after it.
	Now int64 `json:"now"`
}

// NodeKeep is an order to a node's runtime about what its pods have written: keep, unchanged, renew or kill.
type NodeKeep struct {
	Snapshot string    `json:"snapshot"`
	Pods     []Renewed `json:"pods,omitempty"`  // renew: those that begin again
	Ended    []string  `json:"ended,omitempty"` // kill: the uids of pods that are no more
}

// Renewed is a pod that begins again with what another one, of the same name, had written.
type Renewed struct {
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	From      string           `json:"from"` // uids
	To        string           `json:"to"`
	Restarts  map[string]int32 `json:"restarts,omitempty"`
}

// SaveSnapshot keeps the lab as it is and returns when that is done.
func SaveSnapshot(ctx context.Context, socket string, r SnapshotRequest) (Snapshot, error) {
	return one[Snapshot](ctx, socket, VerbSnapshotSave, r)
}

// RestoreSnapshot takes the lab back. When it returns, the API shows what it showed then; pods that had to be begun again are
// starting.
func RestoreSnapshot(ctx context.Context, socket string, r SnapshotRequest) (Restored, error) {
	return one[Restored](ctx, socket, VerbSnapshotRestore, r)
}

// Snapshots lists them, the oldest first.
func Snapshots(ctx context.Context, socket string, r SnapshotRequest) ([]Snapshot, error) {
	return gather[Snapshot](ctx, socket, VerbSnapshotList, r)
}

// RemoveSnapshot forgets one.
func RemoveSnapshot(ctx context.Context, socket string, r SnapshotRequest) error {
	return lab.Ask(ctx, socket, VerbSnapshotRemove, r)
}

// one asks and returns the answer.
func one[T any](ctx context.Context, socket, verb string, body any) (T, error) {
	var answer T
	err := lab.Ask(ctx, socket, verb, body, lab.Each(func(raw json.RawMessage) error {
		return json.Unmarshal(raw, &answer)
	}))
	return answer, err
}
