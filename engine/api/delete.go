package api

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// GracePeriod tells how many seconds an object gets between the wish that it go and its going, and whether the kind knows
// such a period at all: only pods do. A pod without a node, or one that has ended, gets none.
func (r *Resource) GracePeriod(obj runtime.Object, options *metav1.DeleteOptions) (seconds int64, graceful bool) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return 0, false
	}
	ended := pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
	switch {
	case pod.Spec.NodeName == "" || ended:
		return 0, true
	case options != nil && options.GracePeriodSeconds != nil:
		seconds = *options.GracePeriodSeconds
	case pod.Spec.TerminationGracePeriodSeconds != nil:
		seconds = *pod.Spec.TerminationGracePeriodSeconds
	}
	if seconds < 0 {
		seconds = 1
	}
	return seconds, true
}

// MarkTerminating changes, in place, what shows in an object of this kind that it is going: a namespace's phase. Call it when the
// deletion timestamp is set.
func (r *Resource) MarkTerminating(obj runtime.Object) {
	if ns, ok := obj.(*corev1.Namespace); ok {
		ns.Status.Phase = corev1.NamespaceTerminating
	}
}

// Finalized tells whether the kind's own finalizers, beside those in metadata, let the object go: a namespace must be empty.
func (r *Resource) Finalized(obj runtime.Object) bool {
	ns, ok := obj.(*corev1.Namespace)
	return !ok || len(ns.Spec.Finalizers) == 0
}
