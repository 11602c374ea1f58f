package decision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"drydock/engine/decision"
)

func TestSinkDeliversInOrderAcrossFailures(t *testing.T) {
	const records = 600
	arrived := make(chan string, records)
	first := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for decoder := json.NewDecoder(r.Body); ; {
			var rec decision.Record
			if err := decoder.Decode(&rec); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("decode: %v", err)
				return
			}
			if !first {
				arrived <- rec.Action
			}
		}
		if first {
			first = false
			w.WriteHeader(http.StatusForbidden) // a refusal loses its batch, and nothing else
		}
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	sink := decision.NewSink(server.Client(), server.URL)
	sink.Record(decision.Record{Action: "refused"})
	done := make(chan error)
	go func() { done <- sink.Run(ctx) }()
	for i := range records {
		sink.Record(decision.Record{Action: fmt.Sprint(i)})
	}
	last := -1
	for last != records-1 {
		var n int
		if _, err := fmt.Sscan(<-arrived, &n); err != nil || n <= last {
			t.Fatalf("record %d after %d: %v", n, last, err)
		}
		last = n
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
}
