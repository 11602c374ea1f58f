package kubelet

import (
	"context"
	"fmt"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// admit decides once whether the node takes the pod. A pod that already has a sandbox here was taken by an earlier kubelet.
//
// Kubernetes: affinity beyond nodeSelector and topology are checked too; here the scheduler's word is enough.
func (w *worker) admit(ctx context.Context, pod *corev1.Pod, view *podView) bool {
	if w.admitted || w.rejected {
		return w.admitted
	}
	if terminal(pod.Status.Phase) && len(view.containers) == 0 {
		w.rejected = true // by an earlier kubelet, which has said all there is to say
		return false
	}
	if len(view.sandboxes) > 0 || terminal(pod.Status.Phase) {
		w.setAdmitted()
		return true
	}
	reason, message := w.k.refuseWhileShutting()
	if reason == "" {
		reason, message = w.k.pressures.refuse(pod)
	}
	if reason == "" {
		reason, message = refuseSysctls(pod)
	}
	if reason == "" {
		reason, message = w.unfit(ctx, pod)
	}
	if reason == "" {
		w.setAdmitted()
		return true
	}
	w.rejected = true
	w.event(pod, nil, corev1.EventTypeWarning, reason, message)
	w.record(pod, decision.Record{Action: "Reject", Reason: reason, Message: message})
	status := pod.Status.DeepCopy()
	status.Phase, status.Reason, status.Message = corev1.PodFailed, reason, "Pod was rejected: "+message
	status.ObservedGeneration = pod.Generation
	w.show(pod, status)
	return false
}

func (w *worker) setAdmitted() {
	w.admitted = true
	w.counted.Store(true)
}

// unfit is why the pod cannot run here, in upstream's words, or "".
func (w *worker) unfit(ctx context.Context, pod *corev1.Pod) (reason, message string) {
	if !w.selected(ctx, pod) {
		return "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
	}
	w.k.admission.Lock() // two pods must not both take the last bit of room
	defer w.k.admission.Unlock()
	used := corev1.ResourceList{}
	pods := int64(0)
	for _, other := range w.k.otherPods(w.uid) {
		if neighbour, gone := other.current(); !gone && other.counted.Load() && !terminal(neighbour.Status.Phase) {
			if portsConflict(pod, neighbour) {
				return "NodePorts", "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
			}
			add(used, podRequests(neighbour))
			pods++
		}
	}
	if room := w.k.allocatable.Pods().Value(); pods+1 > room {
		return "OutOfpods", insufficient(corev1.ResourcePods, 1, pods, room)
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		want, taken, room := amount(name, podRequests(pod)), amount(name, used), amount(name, w.k.allocatable)
		if want > 0 && taken+want > room {
			return "OutOf" + string(name), insufficient(name, want, taken, room)
		}
	}
	w.counted.Store(true)
	return "", ""
}

// selected reports whether the node has the labels that the pod selects nodes by. The node's own are known; those that people
// put there later are asked for when the first do not suffice.
func (w *worker) selected(ctx context.Context, pod *corev1.Pod) bool {
	selector := labels.SelectorFromSet(pod.Spec.NodeSelector)
	if selector.Matches(labels.Set(w.k.node.labels())) {
		return true
	}
	node, err := w.k.cfg.Client.Node(ctx, w.k.cfg.NodeName)
	return err == nil && selector.Matches(labels.Set(node.Labels))
}

func insufficient(name corev1.ResourceName, want, used, room int64) string {
	return fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d", name, want, used, room)
}

// amount is in thousandths for cpu and in units for everything else.
func amount(name corev1.ResourceName, list corev1.ResourceList) int64 {
	quantity := list[name]
	if name == corev1.ResourceCPU {
		return quantity.MilliValue()
	}
	return quantity.Value()
}

func add(sum, more corev1.ResourceList) {
	for name, quantity := range more {
		total := sum[name]
		total.Add(quantity)
		sum[name] = total
	}
}

// podRequests is what a pod needs at its hungriest moment: all regular containers and sidecars together, or an init
// container with the sidecars before it; plus overhead. Pod-level requests win.
func podRequests(pod *corev1.Pod) corev1.ResourceList {
	regular, sidecars, peak := corev1.ResourceList{}, corev1.ResourceList{}, corev1.ResourceList{}
	for i := range pod.Spec.Containers {
		add(regular, pod.Spec.Containers[i].Resources.Requests)
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if isSidecar(c) {
			add(sidecars, c.Resources.Requests)
			continue
		}
		moment := sidecars.DeepCopy()
		add(moment, c.Resources.Requests)
		raise(peak, moment)
	}
	add(regular, sidecars)
	raise(regular, peak)
	if pod.Spec.Resources != nil {
		for name, quantity := range pod.Spec.Resources.Requests {
			regular[name] = quantity
		}
	}
	add(regular, pod.Spec.Overhead)
	return regular
}

func raise(list, floor corev1.ResourceList) {
	for name, quantity := range floor {
		if have := list[name]; have.Cmp(quantity) < 0 {
			list[name] = quantity
		}
	}
}
