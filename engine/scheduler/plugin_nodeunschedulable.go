package scheduler

import (
	corev1 "k8s.io/api/core/v1"
)

// nodeUnschedulable keeps pods from cordoned nodes, unless they tolerate that as if it were a taint.
type nodeUnschedulable struct{}

var cordoned = &refusal{plugin: "NodeUnschedulable", reasons: []string{"node(s) were unschedulable"}}

func (nodeUnschedulable) Name() string { return "NodeUnschedulable" }

// Helps when a node is open that was not, or is new, or when the pod has come to tolerate those that are not.
func (nodeUnschedulable) Helps(p *podInfo, e event) bool {
	if e.what&ownTolerations != 0 {
		return tolerates(p, &closed)
	}
	return e.better(nodeCordon, func(n *corev1.Node) bool { return open(p, n) })
}

func (nodeUnschedulable) Filter(p *podInfo, n *nodeInfo) *refusal {
	if !open(p, n.node) {
		return cordoned
	}
	return nil
}

func open(p *podInfo, node *corev1.Node) bool {
	return !node.Spec.Unschedulable || tolerates(p, &closed)
}

// closed is the taint that a cordoned node stands for.
var closed = corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
