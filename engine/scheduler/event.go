package scheduler

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// change is what happened; a set of them as bits.
type change uint

// The changes that can make a pod schedulable.
const (
	nodeAdded change = 1 << iota
	nodeGone
	nodeResources
	nodeLabels
	nodeTaints
	nodeCordon
	podPlaced      // on a node
	podGone        // from a node
	podLabels      // of a pod on a node
	podShrunk      // a pod on a node asks for less than before
	storageChanged // a claim, a volume or a storage class

	// of the pod itself that waits
	ownLabels
	ownTolerations
	ownGates  // the last of its scheduling gates has gone
	ownShrunk // it asks for less
)

// event is something that happened in the cluster, as queueing hints are asked about it.
type event struct {
	what change
	// the node it happened to; before is nil for a new one, node for one that is gone
	before, node *corev1.Node
	// the pod on a node it happened to, or the one that waits; oldPod is nil for a new one, pod for one that is gone
	oldPod, pod *podInfo
}

// nodeEvent compares what filters look at; what is 0 when nothing of it changed.
func nodeEvent(before, node *corev1.Node) event {
	e := event{before: before, node: node}
	if !equality.Semantic.DeepEqual(before.Status.Allocatable, node.Status.Allocatable) {
		e.what |= nodeResources
	}
	if !equality.Semantic.DeepEqual(before.Labels, node.Labels) {
		e.what |= nodeLabels
	}
	if !equality.Semantic.DeepEqual(before.Spec.Taints, node.Spec.Taints) {
		e.what |= nodeTaints
	}
	if before.Spec.Unschedulable != node.Spec.Unschedulable {
		e.what |= nodeCordon
	}
	return e
}

// placedEvent compares what others look at in a pod on a node; what is 0 when nothing of it changed.
func placedEvent(before, p *podInfo) event {
	e := event{oldPod: before, pod: p}
	if !maps.Equal(before.Labels, p.Labels) {
		e.what |= podLabels
	}
	if !before.requests.within(p.requests) {
		e.what |= podShrunk
	}
	return e
}

// ownEvent compares what filters look at in a pod that waits.
func ownEvent(before, p *podInfo) event {
	e := event{oldPod: before, pod: p}
	if !maps.Equal(before.Labels, p.Labels) {
		e.what |= ownLabels
	}
	if !equality.Semantic.DeepEqual(before.Spec.Tolerations, p.Spec.Tolerations) {
		e.what |= ownTolerations
	}
	if len(before.Spec.SchedulingGates) > 0 && len(p.Spec.SchedulingGates) == 0 {
		e.what |= ownGates
	}
	if !before.requests.within(p.requests) {
		e.what |= ownShrunk
	}
	return e
}

// better says whether a node has become, by one of the changes in kinds, one that passes test.
func (e event) better(kinds change, test func(*corev1.Node) bool) bool {
	switch {
	case e.what&nodeAdded != 0:
		return test(e.node)
	case e.what&kinds != 0 && e.node != nil:
		return test(e.node) && !test(e.before)
	}
	return false
}
