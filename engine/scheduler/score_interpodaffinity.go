package scheduler

// hardWeight is what a pod's required affinity for others is worth to those others, once the pod is there.
const hardWeight = 1

// company is the Score of interPodAffinity in one cycle: what each domain is worth to the pod.
type company struct{ worth map[place]int64 }

// PreScore weighs what the pod prefers and what pods that are there already prefer. Pods that say nothing, among pods that
// say nothing, cost nothing.
func (i interPodAffinity) PreScore(p *podInfo, w *world, _ []candidate) scorer {
	c := company{worth: map[place]int64{}}
	if n := p.neighbors; n != nil && len(n.prefers)+len(n.avoids) > 0 {
		for _, node := range w.sorted {
			for _, other := range node.pods {
				i.weigh(c, n.prefers, other, node, 1)
				i.weigh(c, n.avoids, other, node, -1)
			}
		}
	}
	for uid, other := range w.choosy {
		node := w.nodes[w.where[uid]]
		i.weigh(c, other.neighbors.prefers, p, node, 1)
		i.weigh(c, other.neighbors.avoids, p, node, -1)
		for k := range other.neighbors.requires {
			t := other.neighbors.requires[k]
			t.weight = hardWeight
			i.weigh(c, []neighborTerm{t}, p, node, 1)
		}
	}
	if len(c.worth) == 0 {
		return nil
	}
	return c
}

// weigh adds the weights of the terms that mean a pod to the node's domains.
func (i interPodAffinity) weigh(c company, terms []neighborTerm, p *podInfo, n *nodeInfo, sign int64) {
	if n.node == nil {
		return
	}
	for k := range terms {
		t := &terms[k]
		if value, ok := n.node.Labels[t.key]; ok && i.means(t, p) {
			c.worth[place{t.key, value}] += sign * t.weight
		}
	}
}

// Score is the worth of all domains the node is in.
func (c company) Score(_ *podInfo, n *nodeInfo) int64 {
	var sum int64
	for at, worth := range c.worth {
		if value, ok := n.node.Labels[at.key]; ok && value == at.value {
			sum += worth
		}
	}
	return sum
}

// Normalize makes the worst node 0 and the best 100.
func (company) Normalize(points []int64) {
	lowest, highest := points[0], points[0]
	for _, p := range points {
		lowest, highest = min(lowest, p), max(highest, p)
	}
	for i := range points {
		if highest > lowest {
			points[i] = bestScore * (points[i] - lowest) / (highest - lowest)
		} else {
			points[i] = 0
		}
	}
}
