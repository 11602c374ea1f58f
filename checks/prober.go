package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoPlace is returned by a Prober that cannot ask from a place, because it does not know it or it is not there.
var ErrNoPlace = errors.New("cannot probe from there")

// ErrNoPod is returned by a Prober when the pod it should ask from does not exist or does not run.
var ErrNoPod = errors.New("the pod does not run")

// PlaceKind is a sort of place that a probe can be asked from.
type PlaceKind string

// The places.
const (
	PlaceLearner PlaceKind = "learner" // the learner's shell: inside the lab's network
	PlaceHost    PlaceKind = "host"    // the machine the lab runs on
	PlacePod     PlaceKind = "pod"
	PlaceNode    PlaceKind = "node"
	PlaceAPI     PlaceKind = "api" // through the API server's proxy
)

// Place is where a probe is asked from.
type Place struct {
	Kind      PlaceKind
	Namespace string // of a pod
	Name      string // of a pod or a node
}

// String is the form that ParsePlace reads.
func (p Place) String() string {
	switch {
	case p.Kind == PlacePod && p.Namespace != "default":
		return "pod/" + p.Namespace + "/" + p.Name
	case p.Name != "":
		return string(p.Kind) + "/" + p.Name
	default:
		return string(p.Kind)
	}
}

// ParsePlace reads "learner", "host", "api", "node/NAME", "pod/NAME" and "pod/NAMESPACE/NAME"; "" is the learner's shell.
func ParsePlace(s string) (Place, error) {
	parts := strings.Split(s, "/")
	for _, part := range parts {
		if part == "" && s != "" {
			return Place{}, fmt.Errorf("place %q has an empty part", s)
		}
	}
	switch {
	case s == "" || s == "learner":
		return Place{Kind: PlaceLearner}, nil
	case s == "host" || s == "api":
		return Place{Kind: PlaceKind(s)}, nil
	case parts[0] == "node" && len(parts) == 2:
		return Place{Kind: PlaceNode, Name: parts[1]}, nil
	case parts[0] == "pod" && len(parts) == 2:
		return Place{Kind: PlacePod, Namespace: "default", Name: parts[1]}, nil
	case parts[0] == "pod" && len(parts) == 3:
		return Place{Kind: PlacePod, Namespace: parts[1], Name: parts[2]}, nil
	default:
		return Place{}, fmt.Errorf("place %q: use learner, host, api, node/NAME, pod/NAME or pod/NAMESPACE/NAME", s)
	}
}

// Prober reaches into the lab. All methods end when ctx does. An error means that the question could not be asked; what
// the answer was is in the result. A connection that is refused is an answer.
type Prober interface {
	// Exec runs a command at a place and returns how it ended.
	Exec(ctx context.Context, from Place, argv []string) (ExecResult, error)
	// HTTP sends a GET.
	HTTP(ctx context.Context, from Place, url string) (HTTPResult, error)
	// Dial makes a TCP connection and closes it again.
	Dial(ctx context.Context, from Place, address string) (DialResult, error)
	// Send sends a datagram over UDP and waits for one that comes back.
	Send(ctx context.Context, from Place, d Datagram) (Reply, error)
	// Lookup asks for the addresses of a name; none when the name is not known.
	Lookup(ctx context.Context, from Place, name string) ([]string, error)
}

// ExecResult is how a command ended.
type ExecResult struct {
	Code   int
	Stdout string
	Stderr string
}

// HTTPResult is an answer to a GET. Status is 0 when there was none, and Problem says why: "connection refused".
type HTTPResult struct {
	Status  int
	Body    string
	Problem string
}

// DialResult says whether a connection could be made, and if not why.
type DialResult struct {
	Connected bool
	Problem   string
}

// Datagram is what is sent over UDP, and how long to wait for an answer.
type Datagram struct {
	Address string
	Payload string
	Wait    time.Duration
}

// Reply is what came back for a datagram. Answer is empty when nothing did, and Problem says why.
type Reply struct {
	Answer  string
	Problem string
}
