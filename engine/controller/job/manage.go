package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller"
)

// burst is the most pods that one round creates, deletes or counts.
const burst = 500

// manage creates or deletes pods until as many are active as should be.
func (r *round) manage(ctx context.Context) error {
	if suspended(r.job) {
		return r.remove(ctx, r.live)
	}
	wanted := r.wanted()
	if surplus := r.surplus(int(max(0, r.active-wanted))); len(surplus) > 0 {
		return r.remove(ctx, surplus[:min(len(surplus), burst)])
	}
	missing := wanted - r.active
	if replacesOnlyFailed(r.job) {
		missing -= r.terminating
	}
	if missing <= 0 {
		return nil
	}
	return r.add(ctx, int(min(missing, burst)))
}

// wanted is how many pods should be active: parallelism, and no more than completions are missing.
func (r *round) wanted() int32 {
	parallelism := *r.job.Spec.Parallelism
	switch completions := r.job.Spec.Completions; {
	case completions != nil:
		return max(0, min(parallelism, *completions-r.succeeded))
	case r.succeeded > 0:
		return r.active // one success is enough; those that run may go on
	default:
		return parallelism
	}
}

// surplus is at least count active pods: first those with an index that is not wanted or is taken, then those that are missed
// least.
func (r *round) surplus(count int) []*corev1.Pod {
	rest := r.live
	var surplus []*corev1.Pod
	if indexed(r.job) {
		surplus, rest = r.misplaced()
	}
	if len(surplus) < count {
		surplus = append(surplus, controller.Surplus(rest, nil, count-len(surplus))...)
	}
	return surplus
}

// misplaced divides the active pods of an Indexed Job: each index keeps one pod.
func (r *round) misplaced() (surplus, rest []*corev1.Pod) {
	byIndex := map[int][]*corev1.Pod{}
	for _, pod := range r.live {
		if index, ok := indexOf(pod); ok && r.inRange(pod) {
			byIndex[index] = append(byIndex[index], pod)
			continue
		}
		surplus = append(surplus, pod)
	}
	for _, pods := range byIndex {
		extra := controller.Surplus(pods, nil, len(pods)-1)
		surplus = append(surplus, extra...)
		for _, pod := range pods {
			if !slices.Contains(extra, pod) {
				rest = append(rest, pod)
			}
		}
	}
	return surplus, rest
}

// remove deletes pods that are not to be counted: their finalizer comes off first.
func (r *round) remove(ctx context.Context, pods []*corev1.Pod) error {
	if len(pods) == 0 {
		return nil
	}
	var errs []error
	var free []*corev1.Pod
	for _, pod := range pods {
		if err := r.untrack(ctx, pod); err != nil {
			errs = append(errs, fmt.Errorf("removing completion finalizer: %w", err))
			continue
		}
		free = append(free, pod)
	}
	r.expectations.ExpectDeletions(r.key, uidsOf(free))
	deleted, err := r.control.Delete(ctx, r.job, free, fmt.Sprintf("Job %s wants %d active pods", r.job.Name, r.wanted()))
	r.gone(free, deleted)
	return errors.Join(append(errs, err)...)
}

// gone takes deleted pods out of the numbers.
func (r *round) gone(pods []*corev1.Pod, deleted int) {
	r.active -= int32(deleted)
	r.terminating += int32(deleted)
	for _, pod := range pods {
		r.ready -= one(controller.Ready(pod))
	}
	r.ready = max(0, min(r.ready, r.active)) // one that could not be deleted is seen again in the next round
}

// add creates count pods, unless it is too early after a failure.
func (r *round) add(ctx context.Context, count int) error {
	pods, wait := r.newPods(count)
	if wait > 0 {
		r.AddAfter(r.key, wait)
	}
	if len(pods) == 0 {
		return nil
	}
	// Before the first creation: its event may come before Create returns.
	r.expectations.ExpectCreations(r.key, len(pods))
	why := fmt.Sprintf("Job %s has %d successes and wants %d active pods", r.job.Name, r.succeeded, r.wanted())
	created, err := r.control.Create(ctx, r.job, pods, why)
	r.active += int32(created)
	return err
}

// newPods are the pods to create now, and if that is not all, how long to wait for the next.
func (r *round) newPods(count int) ([]*corev1.Pod, time.Duration) {
	perIndex := r.job.Spec.BackoffLimitPerIndex != nil
	if wait := r.backoff.left(); wait > 0 && !perIndex {
		return nil, wait
	}
	var pods []*corev1.Pod
	if !indexed(r.job) {
		for range count {
			pods = append(pods, r.newPod())
		}
		return pods, 0
	}
	var soonest time.Duration
	for _, index := range r.pending(count) {
		if wait := retryAfter(r.standins[index]); perIndex && wait > 0 {
			if soonest == 0 || wait < soonest {
				soonest = wait
			}
			continue
		}
		pods = append(pods, r.newIndexedPod(index))
	}
	return pods, soonest
}

func uidsOf(pods []*corev1.Pod) []types.UID { return controller.UIDs(pods) }
