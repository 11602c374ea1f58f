package deployment

import (
	"cmp"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"drydock/engine/controller"
)

// older orders by age, the oldest first.
func older(a, b *appsv1.ReplicaSet) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// wanted is how many pods the sets ask for; actual, ready and available how many they have.
func wanted(sets ...*appsv1.ReplicaSet) int32 {
	return sum(sets, func(rs *appsv1.ReplicaSet) int32 { return *rs.Spec.Replicas })
}

func actual(sets ...*appsv1.ReplicaSet) int32 {
	return sum(sets, func(rs *appsv1.ReplicaSet) int32 { return rs.Status.Replicas })
}

func ready(sets ...*appsv1.ReplicaSet) int32 {
	return sum(sets, func(rs *appsv1.ReplicaSet) int32 { return rs.Status.ReadyReplicas })
}

func available(sets ...*appsv1.ReplicaSet) int32 {
	return sum(sets, func(rs *appsv1.ReplicaSet) int32 { return rs.Status.AvailableReplicas })
}

func sum(sets []*appsv1.ReplicaSet, of func(*appsv1.ReplicaSet) int32) int32 {
	var n int32
	for _, rs := range sets {
		if rs != nil {
			n += of(rs)
		}
	}
	return n
}

// terminating is nil when one of the sets does not count its terminating pods.
func terminating(sets []*appsv1.ReplicaSet) *int32 {
	var n int32
	for _, rs := range sets {
		switch {
		case rs.Status.TerminatingReplicas != nil:
			n += *rs.Status.TerminatingReplicas
		case rs.Status.ObservedGeneration != 0:
			return nil
		}
	}
	return &n
}

// active is the sets that ask for pods.
func active(sets []*appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	var some []*appsv1.ReplicaSet
	for _, rs := range sets {
		if *rs.Spec.Replicas > 0 {
			some = append(some, rs)
		}
	}
	return some
}

// oldPodsRunning says whether any pod of an old set may still run; a pod that is being deleted may.
func (r *rollout) oldPodsRunning() (bool, error) {
	if actual(r.old...) > 0 {
		return true, nil
	}
	for _, rs := range r.old {
		pods, err := r.pods.Pods(rs.Namespace).List(labels.SelectorFromSet(rs.Spec.Template.Labels))
		if err != nil {
			return false, fmt.Errorf("list pods of %s: %w", rs.Name, err)
		}
		for _, pod := range pods {
			if metav1.IsControlledBy(pod, rs) && !controller.TerminalPod(pod) {
				return true, nil
			}
		}
	}
	return false, nil
}

// failure is the ReplicaFailure condition of the first set that has one, the current set before the others.
func failure(current *appsv1.ReplicaSet, all []*appsv1.ReplicaSet) *appsv1.DeploymentCondition {
	for _, rs := range append([]*appsv1.ReplicaSet{current}, all...) {
		if rs == nil {
			continue
		}
		for _, c := range rs.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				return &appsv1.DeploymentCondition{
					Type: appsv1.DeploymentReplicaFailure, Status: c.Status, Reason: c.Reason, Message: c.Message,
					LastTransitionTime: c.LastTransitionTime, LastUpdateTime: c.LastTransitionTime,
				}
			}
		}
	}
	return nil
}
