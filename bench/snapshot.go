package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"

	"drydock/engine/cluster/control"
)

const (
	snapshotRounds = 10
	snapshotPods   = 20
)

// measureSnapshots keeps a lab with some pods, takes it back when nothing has changed, and when everything was deleted.
func measureSnapshots(ctx context.Context, w *workshop) ([]row, error) {
	client, err := w.api(ctx)
	if err != nil {
		return nil, err
	}
	if err := startScale(ctx, client, snapshotPods); err != nil {
		return nil, err
	}
	defer func() { _ = emptied(ctx, client) }() // the lab is thrown away
	var save, same, restore, running times
	for range snapshotRounds {
		began := time.Now()
		if _, err := control.SaveSnapshot(ctx, w.lab.Control(), control.SnapshotRequest{Name: "bench", Replace: true}); err != nil {
			return nil, err
		}
		save = append(save, time.Since(began))
		took, _, err := w.restore(ctx)
		if err != nil {
			return nil, err
		}
		same = append(same, took)
		if err := emptied(ctx, client); err != nil {
			return nil, err
		}
		took, ready, err := w.restoreAndWait(ctx, client)
		if err != nil {
			return nil, err
		}
		restore, running = append(restore, took), append(running, ready)
	}
	return []row{
		{what: fmt.Sprintf("snapshot of a lab with %d pods: save", snapshotPods), measured: save.String()},
		{what: "restore it: nothing had changed", budget: "200 ms", measured: same.String(), kept: within(same.p50(), 200*time.Millisecond)},
		{what: "restore it: everything had been deleted", budget: "200 ms", measured: restore.String(), kept: within(restore.p50(), 200*time.Millisecond)},
		{what: fmt.Sprintf("until its %d pods are Ready again", snapshotPods), measured: running.String()},
	}, nil
}

func (w *workshop) restore(ctx context.Context) (time.Duration, control.Restored, error) {
	began := time.Now()
	done, err := control.RestoreSnapshot(ctx, w.lab.Control(), control.SnapshotRequest{Name: "bench"})
	return time.Since(began), done, err
}

// restoreAndWait also says how long it took until every pod was Ready again.
func (w *workshop) restoreAndWait(ctx context.Context, client *kubernetes.Clientset) (took, ready time.Duration, err error) {
	began := time.Now()
	took, done, err := w.restore(ctx)
	if err != nil {
		return 0, 0, err
	}
	if done.Again != snapshotPods {
		return 0, 0, fmt.Errorf("%d pods began again, not %d", done.Again, snapshotPods)
	}
	err = awaitPodsReady(ctx, client, snapshotPods)
	return took, time.Since(began), err
}
