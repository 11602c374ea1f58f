package controller

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Surplus returns the count pods that are missed least. related pods say how crowded each node is.
func Surplus(pods, related []*corev1.Pod, count int) []*corev1.Pod {
	if count >= len(pods) {
		return pods
	}
	crowd := map[string]int{}
	for _, pod := range related {
		if Active(pod) {
			crowd[pod.Spec.NodeName]++
		}
	}
	now := time.Now()
	return slices.SortedFunc(slices.Values(pods), func(a, b *corev1.Pod) int { return missedLess(a, b, crowd, now) })[:count]
}

// missedLess orders pods: those to delete first come first. Each rule decides only what the ones before left equal.
func missedLess(a, b *corev1.Pod, crowd map[string]int, now time.Time) int {
	return cmp.Or(
		yesFirst(a.Spec.NodeName == "", b.Spec.NodeName == ""),
		cmp.Compare(phaseRank(a), phaseRank(b)),
		yesFirst(!Ready(a), !Ready(b)),
		cmp.Compare(deletionCost(a), deletionCost(b)),
		-cmp.Compare(crowd[a.Spec.NodeName], crowd[b.Spec.NodeName]),
		younger(ReadySince(a), ReadySince(b), now),
		-cmp.Compare(restarts(a), restarts(b)),
		younger(a.CreationTimestamp, b.CreationTimestamp, now),
		cmp.Compare(a.UID, b.UID),
	)
}

func yesFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func phaseRank(pod *corev1.Pod) int {
	return slices.Index([]corev1.PodPhase{corev1.PodPending, corev1.PodUnknown, corev1.PodRunning}, pod.Status.Phase)
}

// deletionCost is the annotation with which a user says how much a pod would be missed.
func deletionCost(pod *corev1.Pod) int64 {
	cost, err := strconv.ParseInt(pod.Annotations[corev1.PodDeletionCost], 10, 32)
	if err != nil {
		return 0
	}
	return cost
}

// younger puts the later time first, and no time before any. Ages are compared by their logarithm: pods of about the same
// age count as equal, so that it is not always the newest that go (KEP-2185).
func younger(a, b metav1.Time, now time.Time) int {
	if a.IsZero() || b.IsZero() {
		return yesFirst(a.IsZero(), b.IsZero())
	}
	return cmp.Compare(magnitude(now.Sub(a.Time)), magnitude(now.Sub(b.Time)))
}

func magnitude(age time.Duration) int {
	if age <= 0 {
		return -1
	}
	return int(math.Log2(float64(age)))
}

func restarts(pod *corev1.Pod) int32 {
	var most int32
	for _, status := range pod.Status.ContainerStatuses {
		most = max(most, status.RestartCount)
	}
	return most
}
