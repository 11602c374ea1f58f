package controller_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/controller"
	"drydock/engine/controller/controllertest"
)

// TestThreeAnswers: nil is done, a terminal error is given up, any other error is tried again with growing pauses.
func TestThreeAnswers(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []error
		calls   int
		actions []string
	}{
		{"done", []error{nil}, 1, nil},
		{"terminal", []error{controller.Terminal(errors.New("bad selector"))}, 1, []string{"GiveUp"}},
		{"retried", []error{errors.New("conflict"), errors.New("conflict"), nil}, 3, []string{"Retry", "Retry"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := controllertest.New(t)
				var calls []time.Time
				loop := controller.NewLoop("test-controller", c.Config(), func(_ context.Context, key controller.Key) error {
					if key.String() != "default/web" {
						t.Errorf("key %s", key)
					}
					calls = append(calls, time.Now())
					return test.answers[len(calls)-1]
				})
				loop.Add(controller.Key{Namespace: "default", Name: "web"})
				c.Start(loop)
				c.Advance(time.Minute)
				if len(calls) != test.calls {
					t.Fatalf("%d calls, want %d", len(calls), test.calls)
				}
				if len(calls) == 3 && calls[2].Sub(calls[1]) <= calls[1].Sub(calls[0]) {
					t.Errorf("the pauses do not grow: %v", calls)
				}
				var actions []string
				records, _ := c.Decisions.Since(0)
				for _, r := range records {
					actions = append(actions, r.Action)
					if r.Actor != "test-controller" || r.Object.String() != "tests/default/web" {
						t.Errorf("record %+v", r)
					}
				}
				if diff := cmp.Diff(test.actions, actions); diff != "" {
					t.Errorf("decisions (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestKeysMerge: a key is never reconciled twice at the same time; what was added meanwhile is reconciled once more, once.
func TestKeysMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := controllertest.New(t)
		var running, calls atomic.Int32
		loop := controller.NewLoop("test-controller", c.Config(), func(context.Context, controller.Key) error {
			if running.Add(1) > 1 {
				t.Error("the same key is reconciled twice at the same time")
			}
			calls.Add(1)
			<-time.After(time.Second)
			running.Add(-1)
			return nil
		})
		c.Start(loop)
		key := controller.Key{Namespace: "default", Name: "web"}
		loop.Add(key)
		c.Advance(500 * time.Millisecond)
		loop.Add(key, key, key)
		c.Advance(time.Minute)
		if got := calls.Load(); got != 2 {
			t.Errorf("%d calls, want 2", got)
		}
	})
}
