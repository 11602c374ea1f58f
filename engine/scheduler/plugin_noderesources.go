package scheduler

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// resourcesFit lets a pod go only where what it requests is left, and prefers nodes by how much is left.
type resourcesFit struct {
	asIs
	strategy fit
}

func (resourcesFit) Name() string { return "NodeResourcesFit" }

func (resourcesFit) Weight() int64 { return 1 }

// Helps when a pod has given back what it had, or some of what this one wants; when this one wants less; and when a node that could
// hold the pod if it were empty is new, or has more than before of what the pod wants.
func (resourcesFit) Helps(p *podInfo, e event) bool {
	switch {
	case e.what&(podGone|ownShrunk) != 0:
		return true
	case e.what&podShrunk != 0:
		return e.oldPod.requests.lessOf(p.requests, e.pod.requests)
	case e.what&(nodeAdded|nodeResources) == 0:
		return false
	}
	has := amountsOf(e.node.Status.Allocatable)
	return p.requests.within(has) && (e.what&nodeAdded != 0 || grown(p, e.before, has, e.node))
}

func grown(p *podInfo, before *corev1.Node, has amounts, node *corev1.Node) bool {
	return has.lessOf(p.requests, amountsOf(before.Status.Allocatable)) ||
		node.Status.Allocatable.Pods().Cmp(*before.Status.Allocatable.Pods()) > 0
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
