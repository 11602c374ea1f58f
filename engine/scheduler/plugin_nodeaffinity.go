package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// nodeAffinity obeys spec.nodeSelector and spec.affinity.nodeAffinity.
type nodeAffinity struct{}

var unwanted = &refusal{plugin: "NodeAffinity", reasons: []string{"node(s) didn't match Pod's node affinity/selector"}}

// affinity is what a pod says about nodes, parsed.
type affinity struct {
	required  nodeaffinity.RequiredNodeAffinity
	preferred *nodeaffinity.PreferredSchedulingTerms // nil: no preference
}

func affinityOf(pod *corev1.Pod) affinity {
	a := affinity{required: nodeaffinity.GetRequiredNodeAffinity(pod)}
	if pod.Spec.Affinity != nil && pod.Spec.Affinity.NodeAffinity != nil {
		terms := pod.Spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		// Validation has seen the terms; one that does not parse would be no preference.
		a.preferred, _ = nodeaffinity.NewPreferredSchedulingTerms(terms)
	}
	return a
}

func (nodeAffinity) Name() string { return "NodeAffinity" }

func (nodeAffinity) Weight() int64 { return 2 }

// Helps when a node matches that did not, or is new.
func (nodeAffinity) Helps(p *podInfo, e event) bool { return e.better(nodeLabels, p.affinity.matches) }

func (nodeAffinity) Filter(p *podInfo, n *nodeInfo) *refusal {
	if !p.affinity.matches(n.node) {
		return unwanted
	}
	return nil
}

// matches says whether the pod may go to the node; a term that cannot be parsed matches nothing, as upstream has it.
func (a affinity) matches(node *corev1.Node) bool {
	match, _ := a.required.Match(node)
	return match
}

// Score adds up the weights of the preferences that the node meets.
func (nodeAffinity) Score(p *podInfo, n *nodeInfo) int64 {
	if p.affinity.preferred == nil {
		return 0
	}
	return p.affinity.preferred.Score(n.node)
}

func (nodeAffinity) Normalize(points []int64) { stretch(points, false) }
