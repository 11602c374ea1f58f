package main

import (
	"context"
	"time"
)

const resetRounds = 10

// measureLessons resets the first lesson by command, as a script or a screen reader's user does.
func measureLessons(ctx context.Context, w *workshop) ([]row, error) {
	if _, err := w.api(ctx); err != nil {
		return nil, err
	}
	if _, err := w.drydock(ctx, "lesson", "start", "--yes", "--name", labName); err != nil {
		return nil, err
	}
	var reset, nothing times
	for range resetRounds {
		took, err := w.drydock(ctx, "lesson", "reset", "--yes", "--name", labName)
		if err != nil {
			return nil, err
		}
		bare, err := w.drydock(ctx, "version")
		if err != nil {
			return nil, err
		}
		reset, nothing = append(reset, took), append(nothing, bare)
	}
	return []row{
		{what: "reset of a lesson, by command", budget: "200 ms", measured: reset.String(), floor: ms(nothing.p50()) + " p50, a command that does nothing", kept: within(reset.p50(), 200*time.Millisecond)},
	}, nil
}
