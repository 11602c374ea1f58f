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

func (nodeAffinity) Events() change { return nodeAdded | nodeLabels }

func (nodeAffinity) Filter(p *podInfo, n *nodeInfo) *refusal {
	// A term that cannot be parsed matches nothing, as upstream has it.
	if match, _ := p.affinity.required.Match(n.node); !match {
		return unwanted
	}
	return nil
}

// Score adds up the weights of the preferences that the node meets.
func (nodeAffinity) Score(p *podInfo, n *nodeInfo) int64 {
	if p.affinity.preferred == nil {
		return 0
	}
	return p.affinity.preferred.Score(n.node)
}

func (nodeAffinity) Normalize(points []int64) { stretch(points, false) }
