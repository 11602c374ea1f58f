package checks

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/rest"
)

// Question is a check with a name and its patience.
type Question struct {
	ID     string
	Check  Check
	Settle Settle
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
	Now       func() time.Time
}

// Engine keeps the answers of questions up to date from watches.
type Engine struct {
	cfg Config
}

// New prepares an Engine. It does not connect yet.
func New(cfg Config) (*Engine, error) { return nil, errors.New("not yet") }

// Run watches what the questions need and calls report for the first answer of each and for every answer that is
// another than the one before, from one goroutine. It returns context.Cause(ctx) when ctx ends, and an error only when
// the questions cannot be asked at all. Lost connections are made again.
func (e *Engine) Run(ctx context.Context, questions []Question, report func(Report)) error {
	return errors.New("not yet")
}

// Poke asks questions again although nothing changed: the learner answered, or wants to know now. Without ids, all.
func (e *Engine) Poke(ids ...string) {}
