package scheduler

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"
)

// podTopologySpread spreads pods evenly over zones, nodes, or whatever domains a node label makes.
type podTopologySpread struct{ owners owners }

var (
	uneven = &refusal{
		plugin: "PodTopologySpread", reasons: []string{"node(s) didn't match pod topology spread constraints"}, victims: true,
	}
	noDomain = &refusal{
		plugin: "PodTopologySpread", reasons: []string{"node(s) didn't match pod topology spread constraints (missing required label)"},
	}
)

func (podTopologySpread) Name() string { return "PodTopologySpread" }

func (podTopologySpread) Weight() int64 { return 2 }

// evenness is podTopologySpread in one cycle.
type evenness struct {
	pod         *podInfo
	constraints []spreadConstraint
	counts      []map[string]int // by constraint: the pods in each domain
	lowest      []int            // by constraint: what least has found; nil after a change
}

// PreFilter counts the pods in the domains of the hard constraints.
func (podTopologySpread) PreFilter(p *podInfo, w *world) judge {
	hard := only(p.spread, true)
	if len(hard) == 0 {
		return nil
	}
	e := &evenness{pod: p, constraints: hard, counts: make([]map[string]int, len(hard))}
	for i := range hard {
		e.counts[i] = map[string]int{}
	}
	for _, n := range w.sorted {
		if !inAll(hard, n.node) {
			continue
		}
		for i := range hard {
			if c := &hard[i]; c.counts(p, n) {
				e.counts[i][n.node.Labels[c.key]] += c.pods(p.Namespace, n)
			}
		}
	}
	return e
}

// Count implements counter.
func (e *evenness) Count(other *podInfo, n *nodeInfo, sign int) {
	if other.Namespace != e.pod.Namespace || !inAll(e.constraints, n.node) {
		return
	}
	if other.DeletionTimestamp != nil {
		return // PreFilter has not counted it
	}
	e.lowest = nil
	for i := range e.constraints {
		if c := &e.constraints[i]; c.selector.Matches(labels.Set(other.Labels)) && c.counts(e.pod, n) {
			e.counts[i][n.node.Labels[c.key]] += sign
		}
	}
}

// Filter refuses a node whose domain would have more than maxSkew pods above the emptiest domain.
func (e *evenness) Filter(p *podInfo, n *nodeInfo) *refusal {
	for i := range e.constraints {
		c := &e.constraints[i]
		domain, ok := n.node.Labels[c.key]
		if !ok {
			return noDomain
		}
		self := 0
		if c.selector.Matches(labels.Set(p.Labels)) {
			self = 1
		}
		if e.counts[i][domain]+self-e.least(i) > c.maxSkew {
			return uneven
		}
	}
	return nil
}

// least is the count of the emptiest domain; 0 while there are fewer domains than wanted.
func (e *evenness) least(i int) int {
	if e.lowest == nil {
		for k, counts := range e.counts {
			low := 0
			if len(counts) >= max(1, e.constraints[k].minDomains) {
				low = slices.Min(slices.Collect(maps.Values(counts)))
			}
			e.lowest = append(e.lowest, low)
		}
	}
	return e.lowest[i]
}

// Helps when a pod that counts has come or gone, a domain has changed, or the pod itself in what the constraints say of it.
func (podTopologySpread) Helps(p *podInfo, e event) bool {
	hard := only(p.spread, true)
	switch {
	case e.what&(ownLabels|ownTolerations) != 0:
		return e.what&ownLabels != 0 && countedOtherwise(hard, e) || e.what&ownTolerations != 0 && slices.ContainsFunc(hard, honorsTaints)
	case e.what&podLabels != 0:
		return e.pod.Namespace == p.Namespace && countedOtherwise(hard, e)
	case e.what&podPlaced != 0:
		return counted(hard, p, e.pod)
	case e.what&podGone != 0:
		return counted(hard, p, e.oldPod)
	case e.what&(nodeAdded|nodeGone) != 0:
		return inAll(hard, e.node)
	case e.what&(nodeLabels|nodeTaints) != 0:
		return inAll(hard, e.before) != inAll(hard, e.node) || inAll(hard, e.node) && domainsDiffer(hard, e)
	}
	return false
}

func counted(constraints []spreadConstraint, p, other *podInfo) bool {
	for i := range constraints {
		if other.Namespace == p.Namespace && constraints[i].selector.Matches(labels.Set(other.Labels)) {
			return true
		}
	}
	return false
}

// countedOtherwise says whether one of the constraints means the pod that did not before, or the other way round.
func countedOtherwise(constraints []spreadConstraint, e event) bool {
	return slices.ContainsFunc(constraints, func(c spreadConstraint) bool {
		return c.selector.Matches(labels.Set(e.oldPod.Labels)) != c.selector.Matches(labels.Set(e.pod.Labels))
	})
}

func honorsTaints(c spreadConstraint) bool { return c.honorsTaints }

func domainsDiffer(constraints []spreadConstraint, e event) bool {
	for i := range constraints {
		if key := constraints[i].key; e.before.Labels[key] != e.node.Labels[key] {
			return true
		}
	}
	return !equality.Semantic.DeepEqual(taints(e.before), taints(e.node))
}

func taints(node *corev1.Node) []corev1.Taint { return node.Spec.Taints }
