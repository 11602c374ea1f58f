package policy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"drydock/engine/decision"
	"drydock/engine/guard"
)

// Config is all an engine must be told.
type Config struct {
	NodeName string
	// REST is how to reach the API server. Client, when set, is used instead.
	REST   *rest.Config
	Client Client
	// Recorder takes decision records; nil drops them.
	Recorder decision.Recorder
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// Engine keeps the calling process's network namespace in step with NetworkPolicies.
//
// Its goroutines, all started by Run and ended before it returns: one that hears of strangers' changes to the rules, one that
// follows policies, two that follow pods and namespaces from the first policy on, and, the caller's own, one that owns the rules.
type Engine struct {
	cfg   Config // set once in New
	state *state // set once in New
}

// New checks cfg; nothing is contacted before Run.
func New(cfg Config) (*Engine, error) {
	if cfg.Recorder == nil {
		cfg.Recorder = decision.Discard
	}
	if cfg.Client == nil {
		if cfg.REST == nil {
			return nil, fmt.Errorf("network policies of %s: no way to the API server", cfg.NodeName)
		}
		var err error
		if cfg.Client, err = NewClient(cfg.REST); err != nil {
			return nil, err
		}
	}
	return &Engine{cfg: cfg, state: newState(cfg.NodeName)}, nil
}

// Run enforces policies until ctx ends; it returns nil then. The rules stay.
func (e *Engine) Run(ctx context.Context) error {
	k, err := newKernel()
	if err != nil {
		return fmt.Errorf("network policies of %s: %w", e.cfg.NodeName, err)
	}
	alarm, err := guard.New(table.Name, k.port)
	if err != nil {
		return fmt.Errorf("network policies of %s: %w", e.cfg.NodeName, errors.Join(err, k.close()))
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	all.Go(func() { _ = alarm.Run(ctx) }) // ends with ctx, never otherwise
	for _, resource := range []string{"networkpolicies", "pods", "namespaces"} {
		all.Go(func() {
			if resource != "networkpolicies" {
				select {
				case <-ctx.Done():
				case <-e.state.first: // without a policy nobody's labels matter
				}
			}
			_ = e.source(resource).Follow(ctx) // ends with ctx, never otherwise
		})
	}
	e.keep(ctx, k, alarm.Touched())
	stop()
	all.Wait()
	if err := k.close(); err != nil {
		return fmt.Errorf("network policies of %s: %w", e.cfg.NodeName, err)
	}
	return nil
}

// keep owns the kernel: it writes the table when it must differ from what is there, and when somebody else has changed it.
func (e *Engine) keep(ctx context.Context, k *kernel, touched <-chan struct{}) {
	var have *plan
	var retry <-chan time.Time
	delay := firstRetry
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.state.news:
		case <-retry:
		case <-touched:
			e.record("TamperedWith", "changed by somebody else", "as decided")
			have = nil
		}
		retry = nil
		w, known := e.state.world()
		if !known {
			continue // rules for half of the truth would cut off the other half
		}
		want := makePlan(w)
		if reflect.DeepEqual(have, want) {
			continue
		}
		if err := k.write(want); err != nil {
			e.record("Failed", "", err.Error())
			retry, delay, have = time.After(delay), min(2*delay, lastRetry), nil
			continue
		}
		e.record("Enforced", describe(have), describe(want))
		have, delay = want, firstRetry
	}
}

func (e *Engine) record(reason, before, after string) {
	e.cfg.Recorder.Record(decision.Record{
		Actor: "policy/" + e.cfg.NodeName, Action: "SyncPolicies", Reason: reason, Before: before, After: after,
		Object: decision.Object{Resource: "nodes", Name: e.cfg.NodeName},
	})
}

// describe names the isolated pods and their policies.
func describe(p *plan) string {
	if p == nil {
		return ""
	}
	var lines []string
	for way, pods := range p.isolated {
		for _, i := range pods {
			var policies []string
			for _, chain := range i.policies {
				policies = append(policies, strings.TrimPrefix(chain, string(way)+"-"))
			}
			lines = append(lines, fmt.Sprintf("%s of %s: %s", way, i.pod, strings.Join(policies, " ")))
		}
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		return "nobody is isolated"
	}
	return strings.Join(lines, "; ")
}
