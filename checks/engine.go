package checks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Question is a check with a name and its patience.
type Question struct {
	ID     string
	Check  Check
	Settle Settle
	// Idle, when set, says that nobody wants the answer at present. A question whose asking costs something (a probe) is
	// then left alone; Ask wakes it once Idle says otherwise. Called from Run's goroutine.
	Idle func() bool
}

// Report is the answer to one question. Reports of a question come in order.
type Report struct {
	ID     string
	Result Result
	At     time.Time
}

// Config is what an Engine needs.
type Config struct {
	REST      *rest.Config // the lab's API server, over TLS or a unix socket (Dial)
	Resources *Resources   // shared; made from REST when nil
	Prober    Prober       // nil: probes end with Error
	Answers   Answers      // nil: nothing was answered
}

// Engine keeps the answers of questions up to date from watches.
type Engine struct {
	// set once in New
	cfg   Config
	pokes chan poke
}

// poke asks questions again. done is closed when all have been.
type poke struct {
	ids  []string
	done chan struct{}
}

// New prepares an Engine. It does not connect yet.
func New(cfg Config) (*Engine, error) {
	if cfg.Resources == nil {
		r, err := NewResources(cfg.REST)
		if err != nil {
			return nil, err
		}
		cfg.Resources = r
	}
	return &Engine{cfg: cfg, pokes: make(chan poke)}, nil
}

// Run watches what the questions need and calls report for the first answer of each and for every answer that is
// another than the one before, from one goroutine at a time. It returns context.Cause(ctx) when ctx ends. Connections
// that break are made again. An Engine runs once at a time.
//
// Goroutines: one watcher per kind, one asker per slow question that is being asked, and the loop that owns everything
// else. All have ended when Run returns.
func (e *Engine) Run(ctx context.Context, questions []Question, report func(Report)) error {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()

	kinds := kindsOf(questions)
	changes := make(chan change)
	l := &loop{
		engine: e, picture: newPicture(kinds), report: report, slow: make(chan slowAnswer), running: &running,
	}
	for _, q := range questions {
		l.asked = append(l.asked, &asked{Question: q, needs: q.Check.Needs()})
	}
	for _, k := range kinds {
		running.Go(func() { (&watcher{kind: k, resources: e.cfg.Resources, out: changes}).run(ctx) })
	}
	return l.run(ctx, changes)
}

func kindsOf(questions []Question) []Kind {
	var kinds []Kind
	for _, q := range questions {
		for _, k := range q.Check.Needs().Kinds {
			if !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}

// Ask has questions asked again although nothing changed (the learner answered, or wants to know now) and returns when
// their reports were made. Without ids all are asked. Run must be running, or ctx end.
func (e *Engine) Ask(ctx context.Context, ids ...string) error {
	p := poke{ids: ids, done: make(chan struct{})}
	select {
	case e.pokes <- p:
	case <-ctx.Done():
		return fmt.Errorf("ask the checks: %w", context.Cause(ctx))
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ask the checks: %w", context.Cause(ctx))
	}
}
