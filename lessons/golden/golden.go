// Package golden proves a pack: `drydock pack test`.
//
// For every lesson it holds the golden contract in fresh labs: nothing scores in a fresh world, every solution scores in
// full, each mutant fails the goals it names with the message it names, and nothing is left when a lab is torn down.
package golden

import (
	"context"
	"errors"

	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/lessons/pack"
)

// LabFactory makes labs.
type LabFactory interface {
	// New starts a lab with the nodes and images a world asks for. It does not apply the world.
	New(ctx context.Context, name string, world pack.World) (Lab, error)
}

// Lab is a running lab made for one test.
type Lab interface {
	RESTConfig() *rest.Config
	Prober() checks.Prober // nil when there is none
	// Workspace is the folder in which scripts run, seen from this process; "" when there is none.
	Workspace() string
	// RunScript runs a shell script in the lab's shell, with kubectl on PATH, in the workspace. A code other than 0 is
	// no error.
	RunScript(ctx context.Context, script string, env []string) (output string, code int, err error)
	// Close tears the lab down and names what it left on the machine: processes, mounts, cgroups, links.
	Close(ctx context.Context) (leftovers []string, err error)
}

// Config says what to test.
type Config struct {
	Pack    *pack.Pack
	Labs    LabFactory
	Lessons []string // ids; all when empty
	Report  func(Case)
}

// Case is one proof.
type Case struct {
	Lesson   string   `json:"lesson"`
	Name     string   `json:"name"` // "fresh", "solutions/main.sh", "mutants/bare-pod.sh"
	Problems []string `json:"problems,omitempty"`
	Millis   int64    `json:"ms"`
}

// OK reports whether the case holds.
func (c Case) OK() bool { return len(c.Problems) == 0 }

// Run proves everything and returns all cases. The error is ours: a lab that does not start.
func Run(ctx context.Context, cfg Config) ([]Case, error) { return nil, errors.New("not yet") }
