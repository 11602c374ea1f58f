package seat_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"drydock/lessons/seat"
)

// Two always, two further ones once the machine has had room for a while, and then one for each that leaves.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		busy.Store(true)
		room := &seat.Room{Always: 2, Further: 2, Load: func() float64 {
			if busy.Load() {
				return 4
			}
			return 1
		}}
		inside := 0
		enter := func(patience time.Duration) error {
			ctx, stop := context.WithTimeout(t.Context(), patience)
			defer stop()
			err := room.Enter(ctx)
			if err == nil {
				inside++
			}
			return err
		}
		for _, step := range []struct {
			busy     bool
			patience time.Duration
			want     int
		}{
			{true, time.Millisecond, 1},
			{true, time.Millisecond, 2},
			{true, time.Minute, 2}, // the machine has enough to do
			{false, 250 * time.Millisecond, 2},
			{false, time.Minute, 3},
			{false, time.Minute, 4},
			{false, time.Minute, 4}, // no more than that
		} {
			busy.Store(step.busy)
			if err := enter(step.patience); inside != step.want || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%+v: %d inside, %v", step, inside, err)
			}
		}
		entered := make(chan error)
		go func() { entered <- room.Enter(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-entered:
			t.Fatalf("somebody came in where nobody had left: %v", err)
		default:
		}
		room.Leave()
		if err := <-entered; err != nil {
			t.Fatal(err)
		}
	})
}

func TestFitting(t *testing.T) {
	if got := seat.Fitting(0); got != 0 {
		t.Errorf("of no labs %d fit", got)
	}
	if got := seat.Fitting(1 << 30); got < 0 || got > 1<<20 {
		t.Errorf("%d labs fit", got)
	}
}
