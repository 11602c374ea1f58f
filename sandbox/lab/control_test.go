package lab_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/sandbox/lab"
)

func serve(t *testing.T, verbs map[string]lab.Handler) string {
	t.Helper()
	// Longer than a socket address can be: Listen and Dial must cope.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	must(t, os.MkdirAll(dir, 0o700))
	socket := filepath.Join(dir, "control.sock")
	l, err := lab.Listen(socket)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- lab.Serve(ctx, l, verbs) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return socket
}

func TestAskPassesValuesAndFiles(t *testing.T) {
	socket := serve(t, map[string]lab.Handler{
		"echo": func(_ context.Context, call *lab.Call) error {
			var word string
			if err := call.Decode(&word); err != nil {
				return err
			}
			if _, err := call.Files[0].WriteString(word); err != nil {
				return err
			}
			return errors.Join(call.Send("first"), call.Send("second"))
		},
	})
	read, write, err := os.Pipe()
	must(t, err)
	var got []string
	err = lab.Ask(context.Background(), socket, "echo", "hello", lab.WithFiles(write), lab.Each(func(raw json.RawMessage) error {
		got = append(got, string(raw))
		return nil
	}))
	must(t, err)
	write.Close()
	text, err := io.ReadAll(read)
	must(t, err)
	if string(text) != "hello" || strings.Join(got, " ") != `"first" "second"` {
		t.Errorf("through the file %q, answers %v", text, got)
	}
}

func TestAskReportsErrors(t *testing.T) {
	socket := serve(t, map[string]lab.Handler{
		"fail": func(context.Context, *lab.Call) error { return errors.New("it is broken") },
	})
	ctx := context.Background()
	if err := lab.Ask(ctx, socket, "fail", nil); err == nil || err.Error() != "it is broken" {
		t.Errorf("fail: %v", err)
	}
	if err := lab.Ask(ctx, socket, "dance", nil); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Errorf("dance: %v", err)
	}
	if err := lab.Ask(ctx, socket+"x", "fail", nil); !errors.Is(err, lab.ErrNotRunning) {
		t.Errorf("no socket: %v", err)
	}
}

func TestACallIsCancelledWhenItsClientLeaves(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	socket := serve(t, map[string]lab.Handler{
		"wait": func(ctx context.Context, _ *lab.Call) error {
			close(entered)
			<-ctx.Done()
			close(left)
			return nil
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-entered; cancel() }()
	if err := lab.Ask(ctx, socket, "wait", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask: %v", err)
	}
	<-left
}
