package main

import (
	"context"

	"drydock/sandbox/container"
)

// pause is process 1 of a shared pid namespace: it does nothing but wait for orphans, and ends when it is asked to.
func pause(ctx context.Context, _ []string) error { return container.Reap(ctx) }
