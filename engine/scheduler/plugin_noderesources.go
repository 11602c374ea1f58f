package scheduler

import (
	"maps"
	"slices"
)

// resourcesFit lets a pod go only where what it requests is left, and prefers nodes by how much is left.
type resourcesFit struct {
	asIs
	strategy fit
}

func (resourcesFit) Name() string { return "NodeResourcesFit" }

func (resourcesFit) Weight() int64 { return 1 }

// Helps when a pod has given back what it had, or a node is new or larger and could hold the pod if it were empty.
func (resourcesFit) Helps(p *podInfo, e event) bool {
	if e.what&podGone != 0 {
		return true
	}
	return e.what&(nodeAdded|nodeResources) != 0 && p.requests.within(amountsOf(e.node.Status.Allocatable))
}

func (resourcesFit) Filter(p *podInfo, n *nodeInfo) *refusal {
	r := refusal{plugin: "NodeResourcesFit", victims: true}
	if len(n.pods)+1 > n.podLimit {
		r.reasons = append(r.reasons, "Too many pods")
	}
	check := func(resource string, want, used, has int64) {
		if want > 0 && want > has-used {
			r.reasons = append(r.reasons, "Insufficient "+resource)
			r.victims = r.victims && want <= has // more than the whole node: nothing would help
		}
	}
	check("cpu", p.requests.cpu, n.requests.cpu, n.allocatable.cpu)
	check("memory", p.requests.memory, n.requests.memory, n.allocatable.memory)
	check("ephemeral-storage", p.requests.storage, n.requests.storage, n.allocatable.storage)
	for _, name := range slices.Sorted(maps.Keys(p.requests.others)) {
		check(string(name), p.requests.others[name], n.requests.others[name], n.allocatable.others[name])
	}
	if len(r.reasons) == 0 {
		return nil
	}
	return &r
}

// Score asks the strategy about each resource and takes the average.
func (f resourcesFit) Score(p *podInfo, n *nodeInfo) int64 { return f.strategy.score(p, n) }
