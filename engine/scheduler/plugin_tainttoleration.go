package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
)

// taintToleration keeps pods from nodes with taints they do not tolerate, and prefers nodes with fewer soft ones.
type taintToleration struct{}

var untolerated = &refusal{plugin: "TaintToleration", reasons: []string{"node(s) had untolerated taint(s)"}}

func (taintToleration) Name() string { return "TaintToleration" }

func (taintToleration) Weight() int64 { return 3 }

// Helps when a node lost its last taint in the way, or is new and has none, or when the pod tolerates something else than before.
func (taintToleration) Helps(p *podInfo, e event) bool {
	return e.what&ownTolerations != 0 || e.better(nodeTaints, func(n *corev1.Node) bool { return toleratesAll(p, n) })
}

func (taintToleration) Filter(p *podInfo, n *nodeInfo) *refusal {
	if !toleratesAll(p, n.node) {
		return untolerated
	}
	return nil
}

// toleratesAll says whether the pod may be where the node's taints keep pods away.
func toleratesAll(p *podInfo, node *corev1.Node) bool {
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		hard := taint.Effect == corev1.TaintEffectNoSchedule || taint.Effect == corev1.TaintEffectNoExecute
		if hard && !tolerates(p, taint) {
			return false
		}
	}
	return true
}

// Score counts the soft taints; Normalize turns the count round.
func (taintToleration) Score(p *podInfo, n *nodeInfo) int64 {
	var count int64
	for i := range n.node.Spec.Taints {
		taint := &n.node.Spec.Taints[i]
		if taint.Effect == corev1.TaintEffectPreferNoSchedule && !tolerates(p, taint) {
			count++
		}
	}
	return count
}

func (taintToleration) Normalize(points []int64) { stretch(points, true) }

func tolerates(p *podInfo, taint *corev1.Taint) bool {
	return corev1helpers.TolerationsTolerateTaint(klog.Background(), p.Spec.Tolerations, taint, true)
}
