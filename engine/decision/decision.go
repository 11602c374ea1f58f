package decision

import (
	"fmt"
	"strings"
	"time"
)

// Object names what a decision was about: resource is the lower-case plural ("pods"), namespace is empty for
// cluster-wide kinds.
type Object struct {
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

// String is resource/namespace/name, or resource/name for cluster-wide kinds.
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Resource + "/" + o.Name
	}
	return o.Resource + "/" + o.Namespace + "/" + o.Name
}

// ParseObject is the inverse of Object.String; the UID stays empty.
func ParseObject(s string) (Object, error) {
	switch parts := strings.Split(s, "/"); {
	case len(parts) == 2 && parts[0] != "" && parts[1] != "":
		return Object{Resource: parts[0], Name: parts[1]}, nil
	case len(parts) == 3 && parts[0] != "" && parts[1] != "" && parts[2] != "":
		return Object{Resource: parts[0], Namespace: parts[1], Name: parts[2]}, nil
	default:
		return Object{}, fmt.Errorf("object %q: want resource/name or resource/namespace/name", s)
	}
}

// Record is one decision of one part.
type Record struct {
	// Seq is given by the Ring, rising by one for each record; zero before.
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	// Actor is the part that decided: "apiserver", "scheduler", "kubelet/node-1", "replicaset-controller", "runtime/node-1".
	Actor  string `json:"actor"`
	Object Object `json:"object"`
	// Action is one CamelCase verb in the field's own terms: "Create", "Bind", "RunPodSandbox", "ScaleUp".
	Action string `json:"action"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Reason is CamelCase, the same word as the Event's reason where there is one; Message is for people.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Cause is the object whose change made the actor look: the ReplicaSet for a pod it creates. Zero when it is Object itself.
	Cause   Object            `json:"cause,omitzero"`
	Details map[string]string `json:"details,omitempty"`
}

// Recorder takes records. Record never blocks on a reader, may be called from any goroutine, and fills in a zero Time.
type Recorder interface {
	Record(Record)
}

// Discard drops every record.
var Discard Recorder = discard{}

type discard struct{}

func (discard) Record(Record) {}
