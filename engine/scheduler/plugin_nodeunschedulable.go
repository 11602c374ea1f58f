package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
)

// nodeUnschedulable keeps pods from cordoned nodes, unless they tolerate that as if it were a taint.
type nodeUnschedulable struct{}

var cordoned = &refusal{plugin: "NodeUnschedulable", reasons: []string{"node(s) were unschedulable"}}

func (nodeUnschedulable) Name() string { return "NodeUnschedulable" }

func (nodeUnschedulable) Events() change { return nodeAdded | nodeCordon }

func (nodeUnschedulable) Filter(p *podInfo, n *nodeInfo) *refusal {
	taint := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	if n.node.Spec.Unschedulable && !corev1helpers.TolerationsTolerateTaint(klog.Background(), p.Spec.Tolerations, &taint, true) {
		return cordoned
	}
	return nil
}
