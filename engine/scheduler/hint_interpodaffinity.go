package scheduler

import "slices"

// Helps when a wanted pod has come, a feared or guarding one has gone, a node has moved to another domain, or the pod has other labels:
// others may not want to be away from those.
func (i interPodAffinity) Helps(p *podInfo, e event) bool {
	n := p.neighbors
	if n == nil {
		n = &neighbors{}
	}
	switch {
	case e.what&ownLabels != 0:
		return true
	case e.what&podPlaced != 0:
		return i.meansByAll(n.requires, e.pod)
	case e.what&podGone != 0:
		return i.meansByAny(n.forbids, e.oldPod) || e.oldPod.neighbors != nil && i.meansByAny(e.oldPod.neighbors.forbids, p)
	case e.what&podLabels != 0:
		comes := !i.meansByAll(n.requires, e.oldPod) && i.meansByAll(n.requires, e.pod)
		goes := i.meansByAny(n.forbids, e.oldPod) && !i.meansByAny(n.forbids, e.pod)
		return comes || goes
	case e.what&(nodeAdded|nodeLabels) == 0:
		return false
	case len(n.requires)+len(n.forbids) == 0:
		// It was kept away by other pods' rules, by keys that only those pods know.
		//
		// Kubernetes: leaves such a pod until one of those goes, or for five minutes.
		return true
	case e.what&nodeAdded != 0:
		return len(n.forbids) > 0 || joined(n.requires, nil, e.node.Labels)
	}
	return joined(n.requires, e.before.Labels, e.node.Labels) || left(n.forbids, e.before.Labels, e.node.Labels)
}

// joined says whether a node has come into a domain of one of the terms.
func joined(terms []neighborTerm, before, now map[string]string) bool {
	return slices.ContainsFunc(terms, func(t neighborTerm) bool {
		was, old := before[t.key]
		is, has := now[t.key]
		return has && (!old || was != is)
	})
}

// left says whether a node has gone from a domain of one of the terms.
func left(terms []neighborTerm, before, now map[string]string) bool {
	return joined(terms, now, before)
}
