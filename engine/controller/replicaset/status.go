package replicaset

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"drydock/engine/controller"
)

// newStatus counts the pods. recheck is how long until a pod that is ready becomes available, 0 when none will.
func newStatus(rs *appsv1.ReplicaSet, active, terminating []*corev1.Pod, manageErr error) (status appsv1.ReplicaSetStatus, recheck time.Duration) {
	status = *rs.Status.DeepCopy()
	ending := int32(len(terminating))
	status.Replicas, status.TerminatingReplicas = int32(len(active)), &ending
	status.FullyLabeledReplicas, status.ReadyReplicas, status.AvailableReplicas = 0, 0, 0
	template := labels.SelectorFromSet(rs.Spec.Template.Labels)
	now := time.Now()
	for _, pod := range active {
		available, left := controller.Available(pod, minReady(rs), now)
		status.FullyLabeledReplicas += count(template.Matches(labels.Set(pod.Labels)))
		status.ReadyReplicas += count(controller.Ready(pod))
		status.AvailableReplicas += count(available)
		if left > 0 && (recheck == 0 || left < recheck) {
			recheck = left
		}
	}
	status.Conditions = failureCondition(rs, status, manageErr)
	return status, recheck
}

func count(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

// failureCondition sets ReplicaFailure while pods cannot be created or deleted.
func failureCondition(rs *appsv1.ReplicaSet, status appsv1.ReplicaSetStatus, manageErr error) []appsv1.ReplicaSetCondition {
	failing := slices.ContainsFunc(status.Conditions, isFailure)
	switch {
	case manageErr == nil && failing:
		return slices.DeleteFunc(status.Conditions, isFailure)
	case manageErr == nil || failing:
		return status.Conditions
	}
	reason := "FailedCreate"
	if status.Replicas > *rs.Spec.Replicas {
		reason = "FailedDelete"
	}
	return append(status.Conditions, appsv1.ReplicaSetCondition{
		Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue,
		LastTransitionTime: metav1.Now(), Reason: reason, Message: manageErr.Error(),
	})
}

func isFailure(c appsv1.ReplicaSetCondition) bool { return c.Type == appsv1.ReplicaSetReplicaFailure }

func equal(a, b appsv1.ReplicaSetStatus) bool { return equality.Semantic.DeepEqual(a, b) }
