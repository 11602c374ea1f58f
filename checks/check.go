package checks

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/decision"
)

// Check is a compiled question. It may be asked from several goroutines at once.
type Check interface {
	// Ask answers from what the View shows. It changes nothing. It returns when ctx ends, with Timeout.
	Ask(ctx context.Context, v View) Result
	// Needs says what the answer depends on.
	Needs() Needs
}

// Needs is what the answer of a check depends on.
type Needs struct {
	Kinds   []Kind        // objects whose changes make it worth asking again
	Answers bool          // answers of the learner
	Slow    bool          // asking takes time (a probe): never on the goroutine that reads watches
	Every   time.Duration // for a Slow check, how often it is asked again while it has not passed
	Past    []Kind        // objects whose every state since the beginning counts
	Records bool          // decisions that the parts of the cluster recorded
}

// Kind is a kind of object in one namespace, or in all when Namespace is empty.
type Kind struct {
	schema.GroupVersionKind
	Namespace string
}

// View is what a check may look at.
type View struct {
	Objects Objects
	Prober  Prober
	Answers Answers
	// Goal names the goal whose check this is, for Answers.
	Goal string
	// Past, Records, Commands and Scripts are nil where nothing is known of them.
	Past     Past
	Records  Records
	Commands Commands
	Scripts  Scripter
	// Lesson is when the world of the lesson stood, Step when the step of the goal opened.
	Lesson Beginning
	Step   time.Time
}

// Beginning is a moment of the lab. Version is the API server's resourceVersion of that moment: it tells what came before
// and after more exactly than any clock.
type Beginning struct {
	Time    time.Time
	Version string
}

// Records are the decisions of the parts of the cluster.
type Records interface {
	// List returns those that are remembered, oldest first. The error says why they are not known (yet).
	List() ([]decision.Record, error)
}

// Commands are what the learner typed into the shell of the lab.
type Commands interface {
	Typed() ([]string, error)
}

// Scripter runs the script of a check, with input on its standard input, cut off from the network and unable to write
// anything. It returns what the script printed. A script that fails or takes too long is an error.
type Scripter interface {
	RunCheck(ctx context.Context, script string, input []byte) ([]byte, error)
}

// Objects is a readable picture of the cluster.
type Objects interface {
	// List returns the objects of a kind, in order of namespace and name. They must not be changed. The error says why
	// they are not known (yet).
	List(Kind) ([]*unstructured.Unstructured, error)
}

// Answers are what the learner has answered.
type Answers interface {
	// Answer is the last answer given to a goal, and whether there is one.
	Answer(goal string) (string, bool)
}
