package daemonset

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// limits are how many nodes may have two pods during a rollout, or none that is available. Both zero would forbid every step.
func (w *watchOver) limits() (surge, unavailable int) {
	desired := w.desired()
	if r := w.ds.Spec.UpdateStrategy.RollingUpdate; r != nil {
		surge, unavailable = share(r.MaxSurge, desired), share(r.MaxUnavailable, desired)
	}
	if surge == 0 && unavailable == 0 && desired > 0 {
		unavailable = 1
	}
	return surge, unavailable
}

// share resolves a number or a percentage, rounded up. Validation has let only these two through.
func share(value *intstr.IntOrString, of int) int {
	if value == nil {
		return 0
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(value, of, true)
	if err != nil {
		return 0
	}
	return n
}

func (w *watchOver) surging() bool {
	r := w.ds.Spec.UpdateStrategy.RollingUpdate
	return w.ds.Spec.UpdateStrategy.Type == "RollingUpdate" && r != nil && share(r.MaxSurge, 1) > 0
}

// desired is how many nodes should have a pod.
func (w *watchOver) desired() int {
	n := 0
	for _, at := range w.places {
		if at.run {
			n++
		}
	}
	return n
}

// roll is one step from the old pods to new ones.
func (w *watchOver) roll() change {
	surge, unavailable := w.limits()
	c := change{why: fmt.Sprintf("DaemonSet %s has a new pod template", w.ds.Name)}
	if surge == 0 {
		c.delete = w.replaceable(unavailable)
		return c
	}
	c.create, c.delete = w.surge(surge)
	return c
}

// pair is the pods of a node that nobody is deleting: at most one new and one old, or ok is false and manage tidies first.
func (w *watchOver) pair(node string) (fresh, old *corev1.Pod, ok bool) {
	for _, pod := range notEnding(w.pods[node]) {
		slot := &old
		if w.updated(pod) {
			slot = &fresh
		}
		if *slot != nil {
			return nil, nil, false
		}
		*slot = pod
	}
	return fresh, old, true
}

// rollingNodes is every node that has a pod, or should have one, in order.
func (w *watchOver) rollingNodes() []string {
	var names []string
	for _, node := range w.nodes {
		if len(w.pods[node.Name]) > 0 || w.places[node.Name].run {
			names = append(names, node.Name)
		}
	}
	return names
}

// replaceable is the old pods to delete now: those that are not available anyway, and of the others as many as leave no more
// than most nodes without an available pod.
func (w *watchOver) replaceable(most int) []*corev1.Pod {
	var broken, candidates []*corev1.Pod
	unavailable := 0
	for _, node := range w.rollingNodes() {
		fresh, old, ok := w.pair(node)
		switch {
		case !ok, (fresh == nil) == (old == nil):
			unavailable++ // manage creates or deletes there
		case fresh != nil:
			if !w.available(fresh) {
				unavailable++
			}
		case !w.available(old):
			broken = append(broken, old)
			unavailable++
		default:
			candidates = append(candidates, old)
		}
	}
	room := max(0, min(most-unavailable, len(candidates)))
	return append(broken, candidates[:room]...)
}

// surge is the nodes that get a new pod beside the old one, and the old pods that are not needed any more.
func (w *watchOver) surge(most int) (create []string, remove []*corev1.Pod) {
	var candidates []string
	var leaving []*corev1.Pod // available pods on nodes that are to have none
	surging, available := 0, 0
	for _, node := range w.rollingNodes() {
		fresh, old, ok := w.pair(node)
		if !ok {
			surging++
			continue
		}
		oldAvailable, freshAvailable := old != nil && w.available(old), fresh != nil && w.available(fresh)
		if oldAvailable || old == nil && freshAvailable {
			available++
		}
		run := w.places[node].run
		switch {
		case old == nil: // done, or manage makes the first one
		case fresh != nil && !freshAvailable:
			surging++
		case fresh != nil, !oldAvailable && !run:
			remove = append(remove, old)
		case !oldAvailable:
			create = append(create, node)
		case !run:
			leaving = append(leaving, old)
		default:
			candidates = append(candidates, node)
		}
	}
	// A pod leaves its node only when another is available elsewhere in its place.
	spare := max(0, min(available-w.desired(), len(leaving)))
	room := max(0, min(most-surging, len(candidates)))
	return append(create, candidates[:room]...), append(remove, leaving[:spare]...)
}
