package daemonset

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"drydock/engine/controller"
)

// manage finds the nodes that lack a pod, and the pods that are somewhere they should not be, have ended or are too many.
func (w *watchOver) manage() change {
	c := change{why: fmt.Sprintf("DaemonSet %s wants a pod on each node that fits", w.ds.Name)}
	for _, node := range w.nodes {
		pods, exists := w.pods[node.Name]
		switch at := w.places[node.Name]; {
		case at.run && !exists:
			c.create = append(c.create, node.Name)
		case at.stay:
			surplus, lacks := w.tidy(node.Name, pods)
			c.delete = append(c.delete, surplus...)
			if lacks && at.run {
				c.create = append(c.create, node.Name)
			}
		default:
			c.delete = append(c.delete, notEnding(pods)...)
		}
	}
	c.delete = append(c.delete, w.homeless()...)
	return c
}

// tidy finds the pods of a node that are to go, and whether the node then lacks one.
func (w *watchOver) tidy(node string, pods []*corev1.Pod) (surplus []*corev1.Pod, lacks bool) {
	var running []*corev1.Pod
	for _, pod := range notEnding(pods) {
		switch pod.Status.Phase {
		case corev1.PodFailed:
			if w.mayRetry(node) {
				w.Warning(w.ds, "FailedDaemonPod", "Found failed daemon pod %s/%s on node %s, will try to kill it", pod.Namespace, pod.Name, node)
				surplus = append(surplus, pod)
			}
		case corev1.PodSucceeded:
			w.Normal(w.ds, "SucceededDaemonPod", "Found succeeded daemon pod %s/%s on node %s, will try to delete it", pod.Namespace, pod.Name, node)
			surplus = append(surplus, pod)
		default:
			running = append(running, pod)
		}
	}
	switch {
	case w.surging():
		return append(surplus, w.pairSurplus(running)...), len(running) == 0
	case len(running) > 1:
		surplus = append(surplus, running[1:]...)
	}
	return surplus, false // the next one is made when the old one is gone
}

// pairSurplus keeps one old and one new pod of a surge: the old one until the new one is available or it is itself not ready.
func (w *watchOver) pairSurplus(running []*corev1.Pod) (surplus []*corev1.Pod) {
	if len(running) <= 1 {
		return nil
	}
	var fresh, old *corev1.Pod
	for _, pod := range running {
		switch isNew := pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] == w.hash; {
		case isNew && fresh == nil:
			fresh = pod
		case !isNew && old == nil:
			old = pod
		default:
			surplus = append(surplus, pod)
		}
	}
	if fresh != nil && old != nil && (!controller.Ready(old) || w.available(fresh)) {
		surplus = append(surplus, old)
	}
	return surplus
}

// mayRetry says whether the failed pod of a node may be replaced now. A kubelet that refuses every pod would otherwise be
// asked without end.
func (w *watchOver) mayRetry(node string) bool {
	key := fmt.Sprintf("%s/%d/%s", w.ds.UID, w.ds.Status.ObservedGeneration, node)
	now := time.Now()
	if w.failures.IsInBackOffSinceUpdate(key, now) {
		w.AddAfter(w.key, w.failures.Get(key))
		return false
	}
	w.failures.Next(key, now)
	return true
}

// homeless is the pods that wait for a node that is gone: nobody else would ever delete them.
func (w *watchOver) homeless() []*corev1.Pod {
	var some []*corev1.Pod
	for node, pods := range w.pods {
		if _, known := w.places[node]; known {
			continue
		}
		for _, pod := range notEnding(pods) {
			if pod.Spec.NodeName == "" {
				some = append(some, pod)
			}
		}
	}
	return some
}

func notEnding(pods []*corev1.Pod) []*corev1.Pod {
	var some []*corev1.Pod
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil {
			some = append(some, pod)
		}
	}
	return some
}
