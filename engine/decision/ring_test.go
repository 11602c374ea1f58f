package decision_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"drydock/engine/decision"
)

func TestRingKeepsTheNewestInOrder(t *testing.T) {
	ring := decision.NewRing(4)
	for i := range 50 {
		ring.Record(decision.Record{Action: strconv.Itoa(i)})
	}
	got, _ := ring.Since(0)
	if len(got) < 4 {
		t.Fatalf("%d records remembered, want at least 4", len(got))
	}
	for i, rec := range got {
		if want := strconv.Itoa(50 - len(got) + i); rec.Action != want || rec.Seq != uint64(50-len(got)+i+1) {
			t.Errorf("record %d: action %s seq %d, want action %s", i, rec.Action, rec.Seq, want)
		}
		if rec.Time.IsZero() {
			t.Errorf("record %d has no time", i)
		}
	}
	if rest, _ := ring.Since(50); len(rest) != 0 {
		t.Errorf("%d records after the last one", len(rest))
	}
}

func TestFollowSeesEveryRecordOnce(t *testing.T) {
	ring := decision.NewRing(1000)
	ring.Record(decision.Record{Action: "0"})
	go func() {
		for i := 1; i < 100; i++ {
			ring.Record(decision.Record{Action: strconv.Itoa(i)})
		}
	}()
	done := errors.New("done")
	next := 0
	err := ring.Follow(context.Background(), 0, func(rec decision.Record) error {
		if rec.Action != strconv.Itoa(next) {
			t.Fatalf("record %q, want %d", rec.Action, next)
		}
		if next++; next == 100 {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Errorf("Follow returned %v", err)
	}
}

func TestObjectRoundTrip(t *testing.T) {
	for _, s := range []string{"pods/default/web", "nodes/node-1"} {
		object, err := decision.ParseObject(s)
		if err != nil || object.String() != s {
			t.Errorf("ParseObject(%q) = %v, %v", s, object, err)
		}
	}
	for _, s := range []string{"", "web", "pods//web", "a/b/c/d"} {
		if _, err := decision.ParseObject(s); err == nil {
			t.Errorf("ParseObject(%q): no error", s)
		}
	}
}
