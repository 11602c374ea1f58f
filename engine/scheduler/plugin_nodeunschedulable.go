package scheduler

import (
	corev1 "k8s.io/api/core/v1"
)

// nodeUnschedulable keeps pods from cordoned nodes, unless they tolerate that as if it were a taint.
type nodeUnschedulable struct{}

var cordoned = &refusal{plugin: "NodeUnschedulable", reasons: []string{"node(s) were unschedulable"}}

func (nodeUnschedulable) Name() string { return "NodeUnschedulable" }

// Helps when a node is open that was not, or is new.
func (nodeUnschedulable) Helps(p *podInfo, e event) bool {
	return e.better(nodeCordon, func(n *corev1.Node) bool { return open(p, n) })
}

func (nodeUnschedulable) Filter(p *podInfo, n *nodeInfo) *refusal {
	if !open(p, n.node) {
		return cordoned
	}
	return nil
}

func open(p *podInfo, node *corev1.Node) bool {
	taint := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	return !node.Spec.Unschedulable || tolerates(p, &taint)
}
