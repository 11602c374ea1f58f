package job

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"drydock/engine/controller"
)

// countIndexes is count for what only Indexed Jobs have.
func (r *round) countIndexes() {
	completions := int(*r.job.Spec.Completions)
	r.before = parseIndexes(r.job.Status.CompletedIndexes, completions)
	r.done = r.before.with(r.indexesOf(func(pod *corev1.Pod) bool { return tracked(pod) && pod.Status.Phase == corev1.PodSucceeded })...)
	r.succeeded = int32(r.done.total())
	if r.job.Spec.BackoffLimitPerIndex == nil {
		return
	}
	var lost indexes
	if r.job.Status.FailedIndexes != nil {
		lost = parseIndexes(*r.job.Status.FailedIndexes, completions)
	}
	lost = lost.with(r.indexesOf(func(pod *corev1.Pod) bool { return tracked(pod) && r.indexFailed(pod) })...)
	r.lost = &lost
	r.findStandins()
}

// indexesOf is the indexes of the pods for which is holds.
func (r *round) indexesOf(is func(*corev1.Pod) bool) []int {
	var some []int
	for _, pod := range r.pods {
		if index, ok := indexOf(pod); ok && r.inRange(pod) && is(pod) {
			some = append(some, index)
		}
	}
	return some
}

// indexFailed says whether the pod's failure was one too many for its index.
func (r *round) indexFailed(pod *corev1.Pod) bool {
	if !r.podFailed(pod) {
		return false
	}
	if action, _ := matchFailure(r.job.Spec.PodFailurePolicy, pod); action == batchv1.PodFailurePolicyActionFailIndex {
		return true
	}
	failures, _ := failuresOf(pod)
	return r.countsAsFailure(pod) && failures >= int(*r.job.Spec.BackoffLimitPerIndex)
}

// findStandins finds, for every index that waits for its next pod, the failed pod with the most failures. Its finalizer
// stays until the next pod exists: it is the only memory of how often the index has failed.
func (r *round) findStandins() {
	r.standins = map[int]*corev1.Pod{}
	taken := r.done.union(*r.lost).with(r.indexesOf(controller.Active)...)
	for _, pod := range r.pods {
		index, ok := indexOf(pod)
		if !ok || !tracked(pod) || !r.inRange(pod) || !r.podFailed(pod) || taken.has(index) {
			continue
		}
		if other := r.standins[index]; other == nil || later(pod, other) {
			r.standins[index] = pod
		}
	}
}

// later says whether pod was made after other for the same index.
func later(pod, other *corev1.Pod) bool {
	a, ignoredA := failuresOf(pod)
	b, ignoredB := failuresOf(other)
	return a+ignoredA >= b+ignoredB && !endedAt(pod).Before(endedAt(other))
}

// pending is the first count indexes that need a pod.
func (r *round) pending(count int) []int {
	taken := r.done.with(r.indexesOf(controller.Active)...)
	if replacesOnlyFailed(r.job) {
		taken = taken.with(r.indexesOf(controller.Terminating)...)
	}
	if r.lost != nil {
		taken = taken.union(*r.lost)
	}
	return taken.missing(count, int(*r.job.Spec.Completions))
}
