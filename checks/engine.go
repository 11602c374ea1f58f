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
	// Step, when set, says since when the step of the goal is open; zero while it is not. Called from Run's goroutine.
	Step func() time.Time
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
	Commands  Commands     // nil: nobody knows what was typed
	Scripts   Scripter     // nil: scripts end with Error
	Began     Beginning    // of the lesson: from then on the past counts; zero is the start of Run
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
// Goroutines: one watcher per kind, one historian per kind whose past counts, one reader of decisions if any check wants
// them, one asker per slow question that is being asked, one reader of
// the present per Ask, and the loop that owns everything else. All have ended when Run
// returns.
func (e *Engine) Run(ctx context.Context, questions []Question, report func(Report)) error {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()

	kinds := kindsOf(questions, func(n Needs) []Kind { return n.Kinds })
	past := kindsOf(questions, func(n Needs) []Kind { return n.Past })
	changes := make(chan change)
	l := &loop{
		engine: e, picture: newPicture(kinds), report: report, slow: make(chan slowAnswer), fresh: make(chan present), running: &running,
		past: newTimeline(past), records: &recordLog{}, began: e.cfg.Began,
	}
	if l.began.Time.IsZero() {
		l.began.Time = time.Now()
	}
	for _, q := range questions {
		l.asked = append(l.asked, &asked{Question: q, needs: q.Check.Needs()})
	}
	for _, k := range kinds {
		running.Go(func() { (&watcher{kind: k, resources: e.cfg.Resources, out: changes}).run(ctx) })
	}
	tell := func(what change) func(context.Context) {
		return func(ctx context.Context) {
			select {
			case changes <- what:
			case <-ctx.Done():
			}
		}
	}
	for _, k := range past {
		h := &historian{kind: k, began: l.began, resources: e.cfg.Resources, timeline: l.past, changed: tell(change{kind: k, past: true})}
		running.Go(func() { h.run(ctx) })
	}
	if slices.ContainsFunc(questions, func(q Question) bool { return q.Check.Needs().Records }) {
		r := &recordReader{resources: e.cfg.Resources, log: l.records, changed: tell(change{records: true})}
		running.Go(func() { r.run(ctx) })
	}
	return l.run(ctx, changes)
}

func kindsOf(questions []Question, of func(Needs) []Kind) []Kind {
	var kinds []Kind
	for _, q := range questions {
		for _, k := range of(q.Check.Needs()) {
			if !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}

// Ask has questions asked again although nothing changed (the learner answered, or wants to know now) and returns when
// their reports were made. The answers are no older than the call: what was in the cluster by then has been seen. Without ids all are asked. Run must be running, or ctx end.
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
