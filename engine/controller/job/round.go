package job

import (
	"context"
	"errors"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"drydock/engine/controller"
)

// round is one look at one Job and its pods.
type round struct {
	*Controller
	key   controller.Key
	job   *batchv1.Job        // our own copy
	saved *batchv1.JobStatus  // what the API server has
	pods  []*corev1.Pod       // shared with the informer
	live  []*corev1.Pod       // the active ones among them
	seen  sets.Set[types.UID] // listed in status.uncountedTerminatedPods when the round began

	// The numbers to be reported; they change as the round creates and deletes.
	active, ready, terminating int32

	succeeded, failed int32 // counted, listed as uncounted, or ended and not yet listed
	backoff           backoff

	// Only of Indexed Jobs.
	before, done indexes             // completed as the status says; with the pods that have succeeded since
	lost         *indexes            // failed for good; nil without backoffLimitPerIndex
	standins     map[int]*corev1.Pod // by index: the failed pod that is kept until its successor carries on its failure count

	verdict *batchv1.JobCondition // how the Job ends; nil while it goes on
}

// play is what one Reconcile does, after the world has been read.
func (r *round) play(ctx context.Context) error {
	r.count()
	if r.job.Status.StartTime == nil && !suspended(r.job) {
		now := metav1.Now()
		r.job.Status.StartTime = &now
	}
	r.judge()
	var err error
	if r.verdict != nil {
		err = r.end(ctx)
	} else {
		err = r.goOn(ctx)
	}
	status := &r.job.Status
	status.Active, status.Ready, status.Terminating = r.active, &r.ready, &r.terminating
	if trackErr := r.track(ctx); trackErr != nil {
		return errors.Join(err, fmt.Errorf("tracking status: %w", trackErr))
	}
	return err
}

// count reads the numbers from pods and status.
func (r *round) count() {
	r.saved = r.job.Status.DeepCopy()
	if r.job.Status.UncountedTerminatedPods == nil {
		r.job.Status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
	}
	uncounted := r.job.Status.UncountedTerminatedPods
	r.seen = sets.New(slices.Concat(uncounted.Succeeded, uncounted.Failed)...)
	for _, pod := range r.pods {
		if controller.Active(pod) {
			r.live = append(r.live, pod)
			r.active++
			r.ready += one(controller.Ready(pod))
		}
		r.terminating += one(controller.Terminating(pod))
	}
	succeeded := r.newlyEnded(func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodSucceeded })
	failed := r.newlyEnded(r.podFailed)
	r.backoff = r.backoffs.after(r.key, succeeded, failed)
	r.succeeded = r.job.Status.Succeeded + int32(len(succeeded)+len(uncounted.Succeeded))
	r.failed = r.job.Status.Failed + int32(len(uncounted.Failed))
	for _, pod := range failed {
		r.failed += one(r.countsAsFailure(pod))
	}
	if indexed(r.job) {
		r.countIndexes()
	}
}

// newlyEnded is the pods, among those that still have to be counted, for which ended holds.
func (r *round) newlyEnded(ended func(*corev1.Pod) bool) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, pod := range r.pods {
		if tracked(pod) && !r.seen.Has(pod.UID) && r.inRange(pod) && ended(pod) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// inRange is false for pods of an Indexed Job without an index, or with one that the Job no longer wants.
func (r *round) inRange(pod *corev1.Pod) bool {
	index, ok := indexOf(pod)
	return !indexed(r.job) || ok && index < int(*r.job.Spec.Completions)
}

// podFailed counts pods that were deleted as failed: they may never get so far as to say so themselves. With
// podReplacementPolicy Failed, the Job waits until they do.
func (r *round) podFailed(pod *corev1.Pod) bool {
	if pod.Status.Phase == corev1.PodFailed || replacesOnlyFailed(r.job) {
		return pod.Status.Phase == corev1.PodFailed
	}
	return pod.DeletionTimestamp != nil && pod.Status.Phase != corev1.PodSucceeded
}

// save writes the status, if it has changed, and goes on with the answer.
func (r *round) save(ctx context.Context) error {
	if equality.Semantic.DeepEqual(r.saved, &r.job.Status) {
		return nil
	}
	updated, err := r.client.BatchV1().Jobs(r.job.Namespace).UpdateStatus(ctx, r.job, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	r.written.Wrote(updated)
	r.job, r.saved = updated.DeepCopy(), updated.Status.DeepCopy()
	return nil
}

func one(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}
