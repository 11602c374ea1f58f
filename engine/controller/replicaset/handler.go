package replicaset

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"drydock/engine/controller"
)

// podHandler turns what happens to pods into keys of ReplicaSets, and fulfils expectations.
type podHandler struct{ *Controller }

// OnAdd implements cache.ResourceEventHandler.
func (h podHandler) OnAdd(obj any, _ bool) {
	pod := obj.(*corev1.Pod)
	if pod.DeletionTimestamp != nil {
		h.OnDelete(pod)
		return
	}
	if key, ok := h.owner(pod); ok {
		h.expectations.Created(key)
		h.Add(key)
		return
	}
	h.offer(pod)
}

// OnUpdate implements cache.ResourceEventHandler. Both the old and the new owner are woken: the pod may have been released.
func (h podHandler) OnUpdate(old, obj any) {
	before, pod := old.(*corev1.Pod), obj.(*corev1.Pod)
	if before.UID != pod.UID {
		// Deleted and made again under its name while the watch was interrupted.
		h.OnDelete(before)
		h.OnAdd(pod, false)
		return
	}
	if pod.DeletionTimestamp != nil {
		// The owner replaces a pod as soon as its end is asked for, not when it has ended.
		h.OnDelete(pod)
		return
	}
	if key, ok := h.owner(before); ok {
		h.Add(key)
	}
	if key, ok := h.owner(pod); ok {
		h.Add(key)
		return
	}
	if !equality.Semantic.DeepEqual(before.Labels, pod.Labels) || len(before.OwnerReferences) != len(pod.OwnerReferences) {
		h.offer(pod)
	}
}

// OnDelete implements cache.ResourceEventHandler.
func (h podHandler) OnDelete(obj any) {
	pod, ok := controller.Object[*corev1.Pod](obj)
	if !ok {
		return
	}
	if key, ok := h.owner(pod); ok {
		h.expectations.Deleted(key, pod.UID)
		h.Add(key)
	}
}

// owner is the ReplicaSet that the pod names as its controller.
func (h podHandler) owner(pod *corev1.Pod) (controller.Key, bool) {
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil || ref.Kind != kind.Kind {
		return controller.Key{}, false
	}
	return controller.Key{Namespace: pod.Namespace, Name: ref.Name}, true
}

// offer wakes every ReplicaSet that could adopt a pod without a controller.
func (h podHandler) offer(pod *corev1.Pod) {
	if metav1.GetControllerOfNoCopy(pod) != nil {
		return
	}
	sets, err := h.sets.ReplicaSets(pod.Namespace).List(labels.Everything())
	if err != nil {
		return // listing the local copy cannot fail
	}
	for _, rs := range sets {
		selector, err := metav1.LabelSelectorAsSelector(rs.Spec.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(pod.Labels)) {
			h.Add(controller.Key{Namespace: rs.Namespace, Name: rs.Name})
		}
	}
}
