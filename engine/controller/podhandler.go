package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"
)

// PodHandler turns what happens to pods into keys of their owners, and fulfils expectations.
type PodHandler struct {
	Kind         string // of the owners, as pods name it: "ReplicaSet"
	Add          func(owners ...Key)
	Expectations *Expectations
	// Adopters is who could adopt a pod that has no controller; nil when nobody adopts.
	Adopters func(*corev1.Pod) []Key
}

var _ cache.ResourceEventHandler = PodHandler{}

// OnAdd implements cache.ResourceEventHandler.
func (h PodHandler) OnAdd(obj any, _ bool) {
	pod := obj.(*corev1.Pod)
	if pod.DeletionTimestamp != nil {
		h.OnDelete(pod)
		return
	}
	if key, ok := h.owner(pod); ok {
		h.Expectations.Created(key)
		h.Add(key)
		return
	}
	h.offer(pod)
}

// OnUpdate implements cache.ResourceEventHandler. Both the old and the new owner are woken: the pod may have been released.
func (h PodHandler) OnUpdate(old, obj any) {
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
func (h PodHandler) OnDelete(obj any) {
	pod, ok := Object[*corev1.Pod](obj)
	if !ok {
		return
	}
	if key, ok := h.owner(pod); ok {
		h.Expectations.Deleted(key, pod.UID)
		h.Add(key)
	}
}

// owner is the object of our kind that the pod names as its controller.
func (h PodHandler) owner(pod *corev1.Pod) (Key, bool) {
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil || ref.Kind != h.Kind {
		return Key{}, false
	}
	return Key{Namespace: pod.Namespace, Name: ref.Name}, true
}

// offer wakes everybody who could adopt a pod without a controller.
func (h PodHandler) offer(pod *corev1.Pod) {
	if metav1.GetControllerOfNoCopy(pod) == nil && h.Adopters != nil {
		h.Add(h.Adopters(pod)...)
	}
}

// Selecting is the keys of those owners whose selector matches the labels. An empty selector matches nothing here: who
// selects everything adopts nothing.
func Selecting[T metav1.Object](owners []T, selector func(T) *metav1.LabelSelector, set map[string]string) []Key {
	var keys []Key
	for _, owner := range owners {
		s, err := metav1.LabelSelectorAsSelector(selector(owner))
		if err == nil && !s.Empty() && s.Matches(labels.Set(set)) {
			keys = append(keys, Key{Namespace: owner.GetNamespace(), Name: owner.GetName()})
		}
	}
	return keys
}
