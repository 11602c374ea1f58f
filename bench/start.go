package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const startRounds = 10

// measureStart starts and stops a lab, and in turn the bare namespaces that it consists of.
func measureStart(ctx context.Context, w *workshop) ([]row, error) {
	first, err := w.drydock(ctx, "up", "--name", labName)
	if err != nil {
		return nil, err
	}
	var up, down, floor times
	for range startRounds {
		stopped, err := w.drydock(ctx, "down", "--name", labName)
		if err != nil {
			return nil, err
		}
		if err := settle(ctx); err != nil {
			return nil, err
		}
		bare, err := w.bare(ctx)
		if err != nil {
			return nil, err
		}
		if err := settle(ctx); err != nil {
			return nil, err
		}
		started, err := w.drydock(ctx, "up", "--name", labName)
		if err != nil {
			return nil, err
		}
		up, down, floor = append(up, started), append(down, stopped), append(floor, bare)
	}
	return []row{
		{what: "drydock up: exec to 3 nodes Ready, images unpacked", budget: "250 ms", measured: up.String(), floor: floor.String() + " bare namespaces, network, programs", kept: within(up.p50(), 250*time.Millisecond)},
		{what: "the first drydock up: unpacks programs and images", measured: ms(first)},
		{what: "drydock down: until nothing is left", measured: down.String()},
	}, nil
}

// bare starts the floor and returns what it says it took.
func (w *workshop) bare(ctx context.Context) (time.Duration, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(w.dir, "floor"))
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("bare namespaces: %w\n%s", err, &said)
	}
	us, err := strconv.Atoi(string(bytes.TrimSpace(out)))
	return time.Duration(us) * time.Microsecond, err
}

// settle lets the kernel finish with the namespaces of what has just ended: it frees networks in the background, and a new
// one waits for that, up to a tenth of a second.
func settle(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(250 * time.Millisecond):
		return nil
	}
}
