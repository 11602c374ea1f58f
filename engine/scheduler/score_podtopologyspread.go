package scheduler

import (
	"math"

	corev1 "k8s.io/api/core/v1"
)

// looseness is the Score of podTopologySpread in one cycle.
type looseness struct {
	constraints []spreadConstraint
	counts      []map[string]int // by constraint other than of host names: the pods in each domain
	weights     []float64        // by constraint: the more domains, the more one pod less is worth
	strict      bool             // nodes without all the labels get no points
}

// skipped marks nodes that get no points until Normalize.
const skipped = -1

// PreScore counts the pods in the domains of the soft constraints, or of the system's for pods that have none.
func (s podTopologySpread) PreScore(p *podInfo, w *world, fitting []candidate) scorer {
	l := looseness{constraints: only(p.spread, false), strict: len(p.spread) > 0}
	if !l.strict {
		l.constraints = s.owners.defaults(p)
	}
	if len(l.constraints) == 0 {
		return nil
	}
	l.counts, l.weights = make([]map[string]int, len(l.constraints)), make([]float64, len(l.constraints))
	for i := range l.constraints {
		l.look(i, fitting)
		l.count(i, p, w)
	}
	return l
}

// look finds the domains of the nodes that are left.
func (l *looseness) look(i int, fitting []candidate) {
	key, domains, nodes := l.constraints[i].key, map[string]int{}, 0
	for _, c := range fitting {
		if l.strict && !inAll(l.constraints, c.node.node) {
			continue
		}
		nodes++
		domains[c.node.node.Labels[key]] = 0
	}
	size := len(domains)
	if key == corev1.LabelHostname {
		size = nodes
	}
	l.counts[i], l.weights[i] = domains, math.Log(float64(size+2))
}

func (l *looseness) count(i int, p *podInfo, w *world) {
	c := &l.constraints[i]
	if c.key == corev1.LabelHostname {
		return // Score counts the node itself
	}
	for _, n := range w.sorted {
		domain, labelled := n.node.Labels[c.key]
		if _, known := l.counts[i][domain]; !labelled || !known || l.strict && !inAll(l.constraints, n.node) || !c.counts(p, n) {
			continue
		}
		l.counts[i][domain] += c.pods(p.Namespace, n)
	}
}

// Score is higher the more pods the node's domains have; Normalize turns it round.
func (l looseness) Score(p *podInfo, n *nodeInfo) int64 {
	if l.strict && !inAll(l.constraints, n.node) {
		return skipped
	}
	var sum float64
	for i := range l.constraints {
		c := &l.constraints[i]
		domain, ok := n.node.Labels[c.key]
		if !ok {
			continue
		}
		count := l.counts[i][domain]
		if c.key == corev1.LabelHostname {
			count = c.pods(p.Namespace, n)
		}
		sum += float64(count)*l.weights[i] + float64(c.maxSkew-1)
	}
	return int64(math.Round(sum))
}

// Normalize gives the emptiest 100, skipped nodes 0.
func (looseness) Normalize(points []int64) {
	lowest, highest := int64(math.MaxInt64), int64(0)
	for _, p := range points {
		if p != skipped {
			lowest, highest = min(lowest, p), max(highest, p)
		}
	}
	for i, p := range points {
		switch {
		case p == skipped:
			points[i] = 0
		case highest == 0:
			points[i] = bestScore
		default:
			points[i] = bestScore * (highest + lowest - p) / highest
		}
	}
}
