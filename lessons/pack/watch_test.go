package pack_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/lessons/pack"
)

func TestWatchTellsWhatWasSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if err := pack.New(dir); err != nil {
		t.Fatal(err)
	}
	type read struct {
		pack *pack.Pack
		err  error
	}
	reads, ended := make(chan read, 10), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- pack.Watch(ctx, dir, func(p *pack.Pack, err error) { reads <- read{p, err} }) }()
	lesson := filepath.Join(dir, "lessons", "first", "lesson.yaml")
	text, err := os.ReadFile(lesson)
	if err != nil {
		t.Fatal(err)
	}
	// Until the watch stands, nothing is told: save until it is.
	save := func(name, text string) read {
		t.Helper()
		for {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			select {
			case r := <-reads:
				return r
			case err := <-ended:
				t.Fatal(err)
			case <-tick(t):
			}
		}
	}
	if r := save(lesson, strings.Replace(string(text), "A first lesson", "Another title", 1)); r.err != nil || r.pack.Lesson("first").Title["en"] != "Another title" {
		t.Fatalf("after a change: %+v", r)
	}
	r := save(lesson, strings.Replace(string(text), "goals: [made]", "golas: [made]", 1))
	var problems pack.Problems
	if !errors.As(r.err, &problems) || problems[0].Line != 13 {
		t.Fatalf("after a slip: %v", r.err)
	}
	if err := os.Mkdir(filepath.Join(dir, "lessons", "second"), 0o755); err != nil {
		t.Fatal(err)
	}
	for {
		r := save(filepath.Join(dir, "lessons", "second", "lesson.yaml"), "id: second\n")
		if r.err != nil && strings.Contains(r.err.Error(), "lessons/second: no track") {
			break
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch ended with %v", err)
	}
}

// tick is when to give up waiting for a watch that may not stand yet.
func tick(t *testing.T) <-chan struct{} {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2_000_000_000)
	t.Cleanup(stop)
	return ctx.Done()
}
