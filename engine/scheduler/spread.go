package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// spreadConstraint is one of spec.topologySpreadConstraints, parsed: domains are nodes with the same value of the label key.
type spreadConstraint struct {
	key            string
	hard           bool // DoNotSchedule
	maxSkew        int
	minDomains     int
	selector       labels.Selector
	honorsAffinity bool // nodes the pod may not go to by its node affinity do not count
	honorsTaints   bool // nodes whose taints keep the pod away do not count
}

func spreadOf(constraints []corev1.TopologySpreadConstraint, own labels.Set) []spreadConstraint {
	var parsed []spreadConstraint
	for _, c := range constraints {
		s := spreadConstraint{
			key: c.TopologyKey, hard: c.WhenUnsatisfiable == corev1.DoNotSchedule, maxSkew: int(c.MaxSkew), minDomains: 1,
			selector: selectorOf(c.LabelSelector), honorsAffinity: true,
		}
		if c.MinDomains != nil {
			s.minDomains = int(*c.MinDomains)
		}
		if c.NodeAffinityPolicy != nil {
			s.honorsAffinity = *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyHonor
		}
		if c.NodeTaintsPolicy != nil {
			s.honorsTaints = *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor
		}
		for _, key := range c.MatchLabelKeys {
			if value, ok := own[key]; ok {
				equal, _ := labels.SelectorFromSet(labels.Set{key: value}).Requirements()
				s.selector = s.selector.Add(equal...)
			}
		}
		parsed = append(parsed, s)
	}
	return parsed
}

// only are the hard constraints, or the soft ones.
func only(constraints []spreadConstraint, hard bool) []spreadConstraint {
	var some []spreadConstraint
	for _, c := range constraints {
		if c.hard == hard {
			some = append(some, c)
		}
	}
	return some
}

// counts says whether the pods of a node count for a pod.
func (c *spreadConstraint) counts(p *podInfo, n *nodeInfo) bool {
	return (!c.honorsAffinity || p.affinity.matches(n.node)) && (!c.honorsTaints || toleratesAll(p, n.node))
}

// pods is how many pods of a namespace on a node the constraint means.
func (c *spreadConstraint) pods(namespace string, n *nodeInfo) int {
	if c.selector.Empty() {
		return 0
	}
	count := 0
	for _, other := range n.pods {
		if other.DeletionTimestamp == nil && other.Namespace == namespace && c.selector.Matches(labels.Set(other.Labels)) {
			count++
		}
	}
	return count
}

// inAll says whether a node has the labels of all constraints.
func inAll(constraints []spreadConstraint, node *corev1.Node) bool {
	for i := range constraints {
		if _, ok := node.Labels[constraints[i].key]; !ok {
			return false
		}
	}
	return true
}
