package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"drydock/engine/controller"
)

// nodeHandler keeps the world's nodes and wakes pods that a change of a node could help.
type nodeHandler struct{ *Scheduler }

// OnAdd implements cache.ResourceEventHandler.
func (h nodeHandler) OnAdd(obj any, _ bool) {
	h.world.setNode(obj.(*corev1.Node))
	h.queue.happened(anyNode)
}

// OnUpdate implements cache.ResourceEventHandler.
func (h nodeHandler) OnUpdate(old, obj any) {
	before, node := old.(*corev1.Node), obj.(*corev1.Node)
	h.world.setNode(node)
	if c := difference(before, node); c != 0 {
		h.queue.happened(c)
	}
}

// OnDelete implements cache.ResourceEventHandler.
func (h nodeHandler) OnDelete(obj any) {
	if node, ok := controller.Object[*corev1.Node](obj); ok {
		h.world.removeNode(node.Name)
	}
}

// difference is what changed of what filters look at.
func difference(before, node *corev1.Node) change {
	var c change
	if !equality.Semantic.DeepEqual(before.Status.Allocatable, node.Status.Allocatable) {
		c |= nodeResources
	}
	if !equality.Semantic.DeepEqual(before.Labels, node.Labels) {
		c |= nodeLabels
	}
	if !equality.Semantic.DeepEqual(before.Spec.Taints, node.Spec.Taints) {
		c |= nodeTaints
	}
	if before.Spec.Unschedulable != node.Spec.Unschedulable {
		c |= nodeCordon
	}
	return c
}

// podHandler keeps the world's pods and the queue.
type podHandler struct{ *Scheduler }

// OnAdd implements cache.ResourceEventHandler.
func (h podHandler) OnAdd(obj any, _ bool) { h.see(nil, obj.(*corev1.Pod)) }

// OnUpdate implements cache.ResourceEventHandler.
func (h podHandler) OnUpdate(old, obj any) {
	before, pod := old.(*corev1.Pod), obj.(*corev1.Pod)
	if before.UID != pod.UID {
		// Deleted and made again under its name while the watch was interrupted.
		h.OnDelete(before)
		before = nil
	}
	h.see(before, pod)
}

// OnDelete implements cache.ResourceEventHandler.
func (h podHandler) OnDelete(obj any) {
	if pod, ok := controller.Object[*corev1.Pod](obj); ok {
		h.forget(pod)
	}
}

// see takes in a pod as it is now.
func (h podHandler) see(before, pod *corev1.Pod) {
	switch {
	case controller.TerminalPod(pod):
		h.forget(pod)
	case pod.Spec.NodeName != "":
		h.queue.remove(pod.UID)
		h.world.place(newPodInfo(pod), pod.Spec.NodeName)
	case pod.DeletionTimestamp != nil:
		h.queue.remove(pod.UID)
	case pod.Spec.SchedulerName != name, len(pod.Spec.SchedulingGates) > 0:
		return // somebody else's, or not yet
	default:
		// Its own condition changes with every attempt: that must not start the next one.
		changed := before == nil || !equality.Semantic.DeepEqual(before.Spec, pod.Spec) || !equality.Semantic.DeepEqual(before.Labels, pod.Labels)
		h.queue.add(newPodInfo(pod), changed)
	}
}

// forget lets go of a pod that is gone or has ended; the room it took may help others.
func (h podHandler) forget(pod *corev1.Pod) {
	h.queue.remove(pod.UID)
	if h.world.remove(pod.UID) {
		h.queue.happened(podGone)
	}
}
