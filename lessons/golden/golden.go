// Package golden proves a pack: `drydock pack test`.
//
// For every lesson it holds the golden contract in labs that are fresh, or made as good as new (lessons/seat): nothing scores in a fresh world (1), every solution scores
// in full (2), each mutant fails exactly the goals it names with the message it names (3), asking changes nothing (4),
// setting up twice gives the same world (5), going back to the snapshot of a step gives the state that solving had reached
// (6, see steps.go), nothing is left when a lab is torn down (7), all of it with other seeds as
// often as wanted (8) and with no way out of the lab (9). Goals that are blocked because they need a goal that a mutant
// fails need not be named.
package golden

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/lessons/course"
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
	Prober() checks.Prober     // nil when there is none
	Machines() course.Machines // nil when there are none
	// Workspace is the folder in which scripts run, seen from this process; "" when there is none.
	Workspace() string
	// RunScript runs a shell script in the lab's shell, with kubectl on PATH, in the workspace. A code other than 0 is
	// no error.
	RunScript(ctx context.Context, script string, env []string) (output string, code int, err error)
	// Clean ends what scripts have left running and removes the files that they left; see seat.Lab.
	Clean(ctx context.Context) error
	// Close tears the lab down and names what it left on the machine: processes, mounts, cgroups, links.
	Close(ctx context.Context) (leftovers []string, err error)
}

// Config says what to test.
type Config struct {
	Pack    *pack.Pack
	Labs    LabFactory
	Lessons []string        // ids; all when empty
	Jobs    int             // labs at the same time; 1 when 0
	Further int             // labs beside those while processors have nothing to do
	Repeat  int             // how often, each time with another seed; 1 when 0
	Scripts checks.Scripter // runs the scripts of checks; may be nil
	Begin   func(all int)   // called once with the number of cases; may be nil
	Report  func(Case)      // called for each case when it has ended, one at a time; may be nil
	Patience
}

// Patience says how long to wait for a world to come to rest. Zero values take the defaults.
type Patience struct {
	Case  time.Duration // for one case as a whole: 3 minutes
	Reach time.Duration // for the goals of a solution after its script: 30 seconds
	Rest  time.Duration // without any change, until the goals of a fresh world or a mutant are believed: 1 second
}

// Case is one proof.
type Case struct {
	Lesson   string   `json:"lesson"`
	Name     string   `json:"name"` // "fresh", "solutions/main.sh", "mutants/bare-pods.sh"
	Problems []string `json:"problems,omitempty"`
	Millis   int64    `json:"ms"`
}

// OK reports whether the case holds.
func (c Case) OK() bool { return len(c.Problems) == 0 }

// Run proves everything and returns all cases in the order of the pack. The error is that of ctx, or a lesson that the
// pack does not have.
func Run(ctx context.Context, cfg Config) ([]Case, error) {
	cfg.fill()
	proofs, err := cfg.proofs()
	if err != nil {
		return nil, err
	}
	if cfg.Begin != nil {
		cfg.Begin(len(proofs))
	}
	cases := make([]Case, len(proofs))
	cfg.proveAll(ctx, proofs, func(i int, c Case) { cases[i] = c })
	return cases, context.Cause(ctx)
}

// fill puts the defaults in.
func (cfg *Config) fill() {
	cfg.Case = defaulted(cfg.Case, 3*time.Minute)
	cfg.Reach = defaulted(cfg.Reach, 30*time.Second)
	cfg.Rest = defaulted(cfg.Rest, time.Second)
}

func defaulted(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// proofs lists what is to be proved.
func (cfg *Config) proofs() ([]*proof, error) {
	for _, id := range cfg.Lessons {
		if cfg.Pack.Lesson(id) == nil {
			return nil, fmt.Errorf("the pack %s has no lesson %q", cfg.Pack.ID, id)
		}
	}
	var out []*proof
	for round := range max(cfg.Repeat, 1) {
		some, err := cfg.round(round, len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// round lists what is to be proved with one seed.
func (cfg *Config) round(number, before int) ([]*proof, error) {
	var out []*proof
	seed, suffix := firstSeed, ""
	if number > 0 {
		suffix = fmt.Sprintf(" #%d", number+1)
		seed += suffix
	}
	for _, general := range cfg.Pack.Lessons {
		if len(cfg.Lessons) > 0 && !slices.Contains(cfg.Lessons, general.ID) {
			continue
		}
		lesson, err := general.For(seed)
		if err != nil {
			return nil, err
		}
		add := func(name string, script *pack.Script, judge func(*bench) []string) {
			lab := fmt.Sprintf("test-%s-%d", cfg.Pack.ID, before+len(out))
			out = append(out, &proof{cfg, lesson, name + suffix, lab, seed, script, judge})
		}
		add("fresh", nil, (*bench).judgeUntouched)
		for i := range lesson.Solutions {
			add(lesson.Solutions[i].Path, &lesson.Solutions[i], (*bench).judgeSolution)
		}
		for i := range lesson.Mutants {
			add(lesson.Mutants[i].Path, &lesson.Mutants[i], (*bench).judgeMutant)
		}
	}
	return out, nil
}
