package job

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// track counts the pods that have ended, in the three steps that the package doc tells of, and ends the Job when the last
// one is counted.
func (r *round) track(ctx context.Context) error {
	still := sets.New[types.UID]() // the pods that have the finalizer
	for _, pod := range r.pods {
		if tracked(pod) {
			still.Insert(pod.UID)
		}
	}
	r.settle(still)
	free, all := r.list()
	r.announce()
	// The list must be with the API server before the first finalizer goes.
	if err := r.save(ctx); err != nil {
		return fmt.Errorf("adding uncounted pods to status: %w", err)
	}
	r.backoffs.keep(r.key, r.backoff)
	freeErr := r.free(ctx, free, still)
	r.settle(still)
	ended := freeErr == nil && all && r.conclude()
	if err := r.save(ctx); err != nil {
		return fmt.Errorf("removing uncounted pods from status: %w", err)
	}
	if ended {
		r.tell()
	}
	return freeErr
}

// list puts pods that have ended into the status. It returns them all, also those that need no listing, and false when
// there are more than one round counts.
func (r *round) list() (free []*corev1.Pod, all bool) {
	uncounted := r.job.Status.UncountedTerminatedPods
	var done []int
	slices.SortStableFunc(r.pods, func(a, b *corev1.Pod) int {
		i, _ := indexOf(a)
		j, _ := indexOf(b)
		return cmp.Compare(i, j)
	})
	all = true
	for _, pod := range r.pods {
		if !tracked(pod) || !r.over(pod) {
			continue
		}
		free = append(free, pod)
		switch index, _ := indexOf(pod); {
		case r.seen.Has(pod.UID) || !r.inRange(pod):
		case pod.Status.Phase == corev1.PodSucceeded && indexed(r.job):
			done = append(done, index)
		case pod.Status.Phase == corev1.PodSucceeded:
			uncounted.Succeeded = append(uncounted.Succeeded, pod.UID)
		case (r.podFailed(pod) || r.failing()) && r.countsAsFailure(pod):
			uncounted.Failed = append(uncounted.Failed, pod.UID)
		}
		if len(done)+len(uncounted.Succeeded)+len(uncounted.Failed) >= burst {
			all = false // the change of the status wakes us for the rest
			break
		}
	}
	if indexed(r.job) {
		r.reportIndexes(r.before.with(done...))
	}
	return free, all
}

// failing: when the Job fails, every pod that has not ended by itself counts as failed.
func (r *round) failing() bool {
	return r.verdict != nil && r.verdict.Type != batchv1.JobSuccessCriteriaMet
}

// over says whether a pod may be let go.
func (r *round) over(pod *corev1.Pod) bool {
	if r.job.DeletionTimestamp != nil || r.verdict != nil || pod.Status.Phase == corev1.PodSucceeded {
		return true
	}
	index, ok := indexOf(pod)
	return r.podFailed(pod) && (!ok || r.standins[index] != pod)
}

func (r *round) reportIndexes(done indexes) {
	status := &r.job.Status
	status.Succeeded, status.CompletedIndexes = int32(done.total()), done.String()
	status.FailedIndexes = nil
	if r.lost != nil {
		text := r.lost.String()
		status.FailedIndexes = &text
	}
}

// announce writes down how the Job will end.
func (r *round) announce() {
	if r.verdict == nil {
		return
	}
	if r.verdict.Type == batchv1.JobFailureTarget || r.verdict.Type == batchv1.JobSuccessCriteriaMet {
		setCondition(r.job, r.verdict)
		r.verdict = final(r.verdict)
	}
}

// free takes finalizers off and removes those pods from still.
func (r *round) free(ctx context.Context, pods []*corev1.Pod, still sets.Set[types.UID]) error {
	freed := make([]bool, len(pods))
	_, err := controller.Together(len(pods), func(i int) error {
		if err := r.untrack(ctx, pods[i]); err != nil {
			return fmt.Errorf("removing tracking finalizer: %w", err)
		}
		freed[i] = true
		return nil
	})
	for i, pod := range pods {
		if freed[i] {
			still.Delete(pod.UID)
		}
	}
	return err
}

// settle moves the listed pods that have no finalizer any more into the numbers.
func (r *round) settle(still sets.Set[types.UID]) {
	status := &r.job.Status
	if status.UncountedTerminatedPods == nil {
		status.UncountedTerminatedPods = &batchv1.UncountedTerminatedPods{}
	}
	move := func(list *[]types.UID, number *int32) {
		left := slices.DeleteFunc(slices.Clone(*list), func(uid types.UID) bool { return !still.Has(uid) })
		*number += int32(len(*list) - len(left))
		if *list = left; len(left) == 0 {
			*list = nil
		}
	}
	move(&status.UncountedTerminatedPods.Succeeded, &status.Succeeded)
	move(&status.UncountedTerminatedPods.Failed, &status.Failed)
}

// conclude sets the last condition, when every pod has ended and is counted.
func (r *round) conclude() bool {
	uncounted := r.job.Status.UncountedTerminatedPods
	if r.verdict == nil || len(uncounted.Succeeded)+len(uncounted.Failed) > 0 || r.terminating > 0 {
		return false
	}
	setCondition(r.job, r.verdict)
	if r.verdict.Type == batchv1.JobComplete {
		r.job.Status.CompletionTime = &r.verdict.LastTransitionTime
	}
	return true
}

// tell says how the Job has ended.
func (r *round) tell() {
	completions := r.job.Spec.Completions
	switch {
	case r.verdict.Type != batchv1.JobComplete:
		r.Warning(r.job, r.verdict.Reason, "%s", r.verdict.Message)
	case completions != nil && r.job.Status.Succeeded > *completions:
		r.Warning(r.job, "TooManySucceededPods", "Too many succeeded pods running after completion count reached")
		fallthrough
	default:
		r.Normal(r.job, "Completed", "Job completed")
	}
	r.Decide(decision.Record{
		Object: controller.Refer("jobs", r.job), Action: string(r.verdict.Type), Reason: r.verdict.Reason, Message: r.verdict.Message,
		Details: map[string]string{"succeeded": fmt.Sprint(r.job.Status.Succeeded), "failed": fmt.Sprint(r.job.Status.Failed)},
	})
}
