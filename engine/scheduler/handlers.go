package scheduler

import (
	corev1 "k8s.io/api/core/v1"

	"drydock/engine/controller"
)

// nodeHandler keeps the world's nodes and wakes pods that a change of a node could help.
type nodeHandler struct{ *Scheduler }

// OnAdd implements cache.ResourceEventHandler.
func (h nodeHandler) OnAdd(obj any, _ bool) {
	node := obj.(*corev1.Node)
	h.world.setNode(node)
	h.queue.happened(event{what: nodeAdded, node: node})
}

// OnUpdate implements cache.ResourceEventHandler.
func (h nodeHandler) OnUpdate(old, obj any) {
	before, node := old.(*corev1.Node), obj.(*corev1.Node)
	h.world.setNode(node)
	if e := nodeEvent(before, node); e.what != 0 {
		h.queue.happened(e)
	}
}

// OnDelete implements cache.ResourceEventHandler.
func (h nodeHandler) OnDelete(obj any) {
	if node, ok := controller.Object[*corev1.Node](obj); ok {
		h.world.removeNode(node.Name)
		h.queue.happened(event{what: nodeGone, before: node, node: node})
	}
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
		h.placed(newPodInfo(pod))
	case pod.DeletionTimestamp != nil:
		h.dismiss(pod) // its binding may be on its way: a node it is assumed on keeps its room
		h.world.nominate(&podInfo{Pod: pod}, "")
	case h.profiles[pod.Spec.SchedulerName] == nil:
		return // somebody else's
	default:
		p := newPodInfo(pod)
		h.nominated(before, p)
		h.queue.add(p)
	}
}

// placed takes in a pod on a node; that it is there, its new labels, or that it asks for less, may help others.
func (h podHandler) placed(p *podInfo) {
	switch before := h.world.place(p, p.Spec.NodeName); {
	case before == nil || before.Spec.NodeName == "":
		h.queue.happened(event{what: podPlaced, pod: p})
	default:
		if e := placedEvent(before, p); e.what != 0 {
			h.queue.happened(e)
		}
	}
}

// nominated takes in what the API says of a nomination. An empty field that was empty before says nothing: the status may
// not have been written yet.
func (h podHandler) nominated(before *corev1.Pod, p *podInfo) {
	node := p.Status.NominatedNodeName
	if node != "" || before != nil && before.Status.NominatedNodeName != "" {
		h.world.nominate(p, node)
	}
}

// forget lets go of a pod that is gone or has ended; the room it took may help others.
func (h podHandler) forget(pod *corev1.Pod) {
	h.dismiss(pod)
	if p := h.world.remove(pod.UID); p != nil {
		h.queue.happened(event{what: podGone, oldPod: p})
	}
}

// dismiss takes a pod that is not wanted any more out of the queue. If its binding waits for volumes it need not.
func (h podHandler) dismiss(pod *corev1.Pod) {
	if p := h.queue.remove(pod.UID); p != nil && len(p.claims) > 0 {
		p.gone.Store(true)
		h.volumes.wake()
	}
}

// storageHandler wakes those who wait for claims, volumes or classes: pods in the queue, and bindings on their way.
type storageHandler struct{ *Scheduler }

// OnAdd implements cache.ResourceEventHandler.
func (h storageHandler) OnAdd(any, bool) { h.see() }

// OnUpdate implements cache.ResourceEventHandler.
func (h storageHandler) OnUpdate(any, any) { h.see() }

// OnDelete implements cache.ResourceEventHandler.
func (h storageHandler) OnDelete(any) { h.see() }

func (h storageHandler) see() {
	h.queue.happened(event{what: storageChanged})
	h.volumes.wake()
}
