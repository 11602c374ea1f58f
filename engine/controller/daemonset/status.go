package daemonset

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
)

// report writes the counts. observed is false while we wait for our own changes: then the spec has not been acted on.
func (w *watchOver) report(ctx context.Context, observed bool) error {
	before := w.ds.Status
	w.ds.Status = w.count()
	if observed {
		w.ds.Status.ObservedGeneration = w.ds.Generation
	}
	if equality.Semantic.DeepEqual(before, w.ds.Status) {
		return nil
	}
	return w.save(ctx)
}

func (w *watchOver) count() appsv1.DaemonSetStatus {
	status := appsv1.DaemonSetStatus{
		ObservedGeneration: w.ds.Status.ObservedGeneration, CollisionCount: w.ds.Status.CollisionCount, Conditions: w.ds.Status.Conditions,
	}
	for _, node := range w.nodes {
		pods := w.pods[node.Name]
		switch run := w.places[node.Name].run; {
		case !run && len(pods) > 0:
			status.NumberMisscheduled++
		case run:
			status.DesiredNumberScheduled++
			if len(pods) == 0 {
				continue
			}
			pod := pods[0]
			status.CurrentNumberScheduled++
			status.NumberReady += one(controller.Ready(pod))
			status.NumberAvailable += one(w.available(pod))
			status.UpdatedNumberScheduled += one(w.updated(pod))
		}
	}
	status.NumberUnavailable = status.DesiredNumberScheduled - status.NumberAvailable
	return status
}

func one(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

func (w *watchOver) save(ctx context.Context) error {
	updated, err := w.client.AppsV1().DaemonSets(w.ds.Namespace).UpdateStatus(ctx, w.ds, metav1.UpdateOptions{})
	if err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("update status: %w", err)
	}
	w.written.Wrote(updated)
	return nil
}
