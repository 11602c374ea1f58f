package controller

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PodCondition returns the condition of a type, or nil.
func PodCondition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// Ready says whether the pod may get traffic.
func Ready(pod *corev1.Pod) bool {
	c := PodCondition(pod, corev1.PodReady)
	return c != nil && c.Status == corev1.ConditionTrue
}

// ReadySince is when the pod became ready, zero when it is not.
func ReadySince(pod *corev1.Pod) metav1.Time {
	if c := PodCondition(pod, corev1.PodReady); c != nil && c.Status == corev1.ConditionTrue {
		return c.LastTransitionTime
	}
	return metav1.Time{}
}

// Available says whether the pod has been ready for minReady. When it has not been ready long enough, the second result is
// how long that still takes; otherwise it is 0.
func Available(pod *corev1.Pod, minReady time.Duration, now time.Time) (bool, time.Duration) {
	switch since := ReadySince(pod); {
	case !Ready(pod):
		return false, 0
	case minReady == 0:
		return true, 0
	case since.IsZero():
		return false, 0
	default:
		left := since.Add(minReady).Sub(now)
		return left <= 0, max(left, 0)
	}
}

// TerminalPod says whether the pod has ended: none of its containers will run again.
func TerminalPod(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Active says whether the pod runs or will run, and nobody has asked for its end.
func Active(pod *corev1.Pod) bool { return !TerminalPod(pod) && pod.DeletionTimestamp == nil }

// Terminating says whether the pod has been told to end and has not yet.
func Terminating(pod *corev1.Pod) bool { return !TerminalPod(pod) && pod.DeletionTimestamp != nil }
