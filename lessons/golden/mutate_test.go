package golden_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/golden"
	"drydock/lessons/pack"
)

func TestWrong(t *testing.T) {
	body := `#!/bin/sh
set -e
kubectl create deployment web --image=drydock/web:1 --replicas=2
kubectl wait --for=condition=Available deployment/web --timeout=60s
kubectl apply -f - <<END
kind: Pod
metadata:
  name: web
END
`
	got := map[string]string{}
	for _, s := range golden.Wrong(pack.Script{Body: body}) {
		got[s.Name] = s.Body
	}
	want := []string{
		"nothing at all", "without `kubectl create deployment web --image=drydock/web:1 --replicas=2`",
		"without --image=drydock/web:1", "with --image=drydock/web:1x", "without --replicas=2", "with --replicas=3",
		"without `kubectl apply -f - <<END`", "with name: webx", "without name: web",
	}
	for _, name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("nobody tries: %s", name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d wrong answers, want %d", len(got), len(want))
	}
	const changed = `#!/bin/sh
set -e
kubectl create deployment web --image=drydock/web:1 --replicas=3
kubectl wait --for=condition=Available deployment/web --timeout=2s
kubectl apply -f - <<END
kind: Pod
metadata:
  name: web
END
`
	if diff := cmp.Diff(changed, got["with --replicas=3"]); diff != "" {
		t.Errorf("script (-want +got):\n%s", diff)
	}
}

func TestMutate(t *testing.T) {
	// The guard is never touched by the solution, so that no change of the solution can break it.
	p := files(t, nil)
	tried, unbroken, err := golden.Mutate(context.Background(), golden.Config{
		Pack: p, Labs: labs{t: t}, Jobs: 2,
		Patience: golden.Patience{Case: time.Minute, Reach: 500 * time.Millisecond, Rest: 50 * time.Millisecond},
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, m := range tried {
		got[m.Name] = m.Open
		if m.Problem != "" {
			t.Errorf("%s: %s", m.Name, m.Problem)
		}
	}
	if diff := cmp.Diff([]string{"ready", "gone", "sure"}, got["nothing at all"]); diff != "" {
		t.Errorf("after nothing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gone", "sure"}, got["without `remove Pod web`"]); diff != "" {
		t.Errorf("without the removal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]golden.Unbroken{{Lesson: "pod", Goal: "keep"}}, unbroken); diff != "" {
		t.Errorf("unbroken (-want +got):\n%s", diff)
	}
}

// Whoever interrupts is told what is known: the answers that were tried, and nothing of a lesson that was not tried to the end.
func TestMutateInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	all := 0
	tried, unbroken, err := golden.Mutate(ctx, golden.Config{
		Pack: files(t, nil), Labs: labs{t: t}, Begin: func(n int) { all = n }, Report: func(golden.Case) { stop() },
		Patience: golden.Patience{Case: time.Minute, Reach: 500 * time.Millisecond, Rest: 50 * time.Millisecond},
	}, 0)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it says %v", err)
	}
	want := []golden.Mutation{{Lesson: "pod", Name: "nothing at all", Open: []string{"ready", "gone", "sure"}}}
	if diff := cmp.Diff(want, tried); diff != "" || all < 2 {
		t.Errorf("tried of %d (-want +got):\n%s", all, diff)
	}
	if len(unbroken) > 0 {
		t.Errorf("it cannot know yet that nothing breaks %v", unbroken)
	}
}
