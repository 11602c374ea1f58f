package apiserver

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// begunAgain is a pod that takes the place of one that has ended: the same by all that was decided of it, scheduled, and with
// nothing of it running yet. One that was done stays done.
func begunAgain(then *corev1.Pod) *corev1.Pod {
	pod := then.DeepCopy()
	pod.UID = uuid.NewUUID()
	if then.Status.Phase == corev1.PodSucceeded || then.Status.Phase == corev1.PodFailed {
		return pod
	}
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodPending, QOSClass: then.Status.QOSClass, NominatedNodeName: then.Status.NominatedNodeName,
		InitContainerStatuses: notYet(then.Status.InitContainerStatuses, "PodInitializing"),
		ContainerStatuses:     notYet(then.Status.ContainerStatuses, "ContainerCreating"),
	}
	for _, c := range then.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			pod.Status.Conditions = []corev1.PodCondition{c}
		}
	}
	return pod
}

// notYet are containers that wait to be made. How often they were started, and how they ended, stays: their kubelet goes on
// from there.
func notYet(then []corev1.ContainerStatus, reason string) []corev1.ContainerStatus {
	var now []corev1.ContainerStatus
	for i := range then {
		now = append(now, corev1.ContainerStatus{
			Name: then[i].Name, Image: then[i].Image, RestartCount: then[i].RestartCount, LastTerminationState: then[i].LastTerminationState,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
		})
	}
	return now
}

func restartsOf(pod *corev1.Pod) map[string]int32 {
	restarts := map[string]int32{}
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			restarts[list[i].Name] = list[i].RestartCount
		}
	}
	return restarts
}

// podAsDecided is a pod that goes on: what people and controllers decided of it is as it was, what its kubelet says is as it is.
func podAsDecided(was, is *corev1.Pod) *corev1.Pod {
	pod := was.DeepCopy()
	pod.Status = is.Status
	pod.ManagedFields = is.ManagedFields
	if !equality.Semantic.DeepEqual(pod.ObjectMeta, is.ObjectMeta) {
		pod.ManagedFields = was.ManagedFields
	}
	return pod
}

// observed are the taints that say how a Node is. The node lifecycle controller puts them and takes them away.
var observed = []string{
	corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeMemoryPressure, corev1.TaintNodeDiskPressure,
	corev1.TaintNodePIDPressure, corev1.TaintNodeNetworkUnavailable,
}

// nodeAsDecided is a Node with the labels, annotations, cordon and taints it had; how it is, is as it is.
func nodeAsDecided(was, is *corev1.Node) *corev1.Node {
	node := is.DeepCopy()
	node.Labels, node.Annotations, node.Spec.Unschedulable = was.Labels, was.Annotations, was.Spec.Unschedulable
	isObserved := func(t corev1.Taint) bool { return slices.Contains(observed, t.Key) }
	node.Spec.Taints = slices.DeleteFunc(node.Spec.Taints, func(t corev1.Taint) bool { return !isObserved(t) })
	for _, t := range was.Spec.Taints {
		if !isObserved(t) {
			node.Spec.Taints = append(node.Spec.Taints, t)
		}
	}
	node.ManagedFields = was.ManagedFields // who wrote what is as it was too; heartbeats leave no trace there
	return node
}
