package scheduler

import corev1 "k8s.io/api/core/v1"

// Helps when a wanted pod has come, a feared or guarding one has gone, or a node has moved to another domain.
func (i interPodAffinity) Helps(p *podInfo, e event) bool {
	n := p.neighbors
	if n == nil {
		n = &neighbors{}
	}
	switch {
	case e.what&podPlaced != 0:
		return i.meansByAll(n.requires, e.pod)
	case e.what&podGone != 0:
		return i.meansByAny(n.forbids, e.oldPod) || e.oldPod.neighbors != nil && i.meansByAny(e.oldPod.neighbors.forbids, p)
	case e.what&podLabels != 0:
		comes := !i.meansByAll(n.requires, e.oldPod) && i.meansByAll(n.requires, e.pod)
		goes := i.meansByAny(n.forbids, e.oldPod) && !i.meansByAny(n.forbids, e.pod)
		return comes || goes
	case e.what&nodeAdded != 0:
		return true
	case e.what&nodeLabels != 0:
		// A pod that says nothing itself was kept away by other pods' rules, by keys that only those pods know.
		return p.neighbors == nil || moved(n.requires, e.before, e.node) || moved(n.forbids, e.before, e.node)
	}
	return false
}

// moved says whether a node is in another domain of one of the terms than before.
func moved(terms []neighborTerm, before, node *corev1.Node) bool {
	for k := range terms {
		if before.Labels[terms[k].key] != node.Labels[terms[k].key] {
			return true
		}
	}
	return false
}
