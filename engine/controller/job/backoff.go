package job

import (
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/controller"
)

// The pauses before a failed pod is replaced: ten seconds, doubled with each failure since the last success.
const (
	firstRetry = 10 * time.Second
	lastRetry  = 10 * time.Minute
)

// backoff is the failures of a Job since its last success.
type backoff struct {
	failures int
	last     time.Time
}

// left is how long until a new pod may be made.
func (b backoff) left() time.Duration {
	if b.failures == 0 {
		return 0
	}
	pause := firstRetry
	for range b.failures - 1 {
		if pause = min(2*pause, lastRetry); pause == lastRetry {
			break
		}
	}
	return max(0, time.Until(b.last.Add(pause)))
}

// retryAfter is how long until a failed pod of an index may be replaced. nil has not failed.
func retryAfter(pod *corev1.Pod) time.Duration {
	if pod == nil {
		return 0
	}
	failures, ignored := failuresOf(pod)
	return backoff{failures: failures + ignored + 1, last: endedAt(pod)}.left()
}

// backoffs remembers them, in memory only: a new controller begins without.
type backoffs struct {
	mu sync.Mutex
	// guarded by mu
	byJob map[controller.Key]backoff
}

func newBackoffs() *backoffs { return &backoffs{byJob: map[controller.Key]backoff{}} }

// after is the back-off with pods that have ended since it was kept; it is not kept yet.
func (b *backoffs) after(key controller.Key, succeeded, failed []*corev1.Pod) backoff {
	b.mu.Lock()
	now := b.byJob[key]
	b.mu.Unlock()
	var success time.Time
	for _, pod := range succeeded {
		now = backoff{}
		if end := endedAt(pod); end.After(success) {
			success = end
		}
	}
	for _, pod := range failed {
		end := endedAt(pod)
		if len(succeeded) > 0 && !end.After(success) {
			continue
		}
		now.failures++
		if end.After(now.last) {
			now.last = end
		}
	}
	return now
}

func (b *backoffs) keep(key controller.Key, now backoff) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byJob[key] = now
}

func (b *backoffs) forget(key controller.Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byJob, key)
}

// endedAt is when a pod ended: its last container, sidecars included; or when it stopped being ready, or its end was asked
// for.
func endedAt(pod *corev1.Pod) time.Time {
	if last := lastContainerEnd(pod); !last.IsZero() {
		return last
	}
	if c := controller.PodCondition(pod, corev1.PodReady); c != nil && c.Status == corev1.ConditionFalse && !c.LastTransitionTime.IsZero() {
		return c.LastTransitionTime.Time
	}
	if pod.DeletionTimestamp != nil {
		var grace int64
		if pod.DeletionGracePeriodSeconds != nil {
			grace = *pod.DeletionGracePeriodSeconds
		}
		return pod.DeletionTimestamp.Add(-time.Duration(grace) * time.Second)
	}
	return pod.CreationTimestamp.Time
}

// lastContainerEnd is zero while one of them has not ended.
func lastContainerEnd(pod *corev1.Pod) time.Time {
	var last time.Time
	sidecar := func(name string) bool {
		return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			return c.Name == name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		})
	}
	statuses := pod.Status.ContainerStatuses
	for _, status := range pod.Status.InitContainerStatuses {
		if sidecar(status.Name) {
			statuses = append(slices.Clip(statuses), status)
		}
	}
	for _, status := range statuses {
		if status.State.Terminated == nil || status.State.Terminated.FinishedAt.IsZero() {
			return time.Time{}
		}
		if end := status.State.Terminated.FinishedAt.Time; end.After(last) {
			last = end
		}
	}
	return last
}
