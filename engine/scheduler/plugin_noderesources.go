package scheduler

import (
	"maps"
	"math"
	"slices"
)

// resourcesFit lets a pod go only where what it requests is left, and prefers nodes where more is left (LeastAllocated).
type resourcesFit struct{ asIs }

func (resourcesFit) Name() string { return "NodeResourcesFit" }

func (resourcesFit) Weight() int64 { return 1 }

func (resourcesFit) Events() change { return nodeAdded | nodeResources | podGone }

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

// Score is the part of CPU and of memory that stays free, on average.
func (resourcesFit) Score(p *podInfo, n *nodeInfo) int64 {
	var sum, kinds int64
	for _, r := range [][2]int64{
		{n.nonzero.cpu + p.nonzero.cpu, n.allocatable.cpu},
		{n.nonzero.memory + p.nonzero.memory, n.allocatable.memory},
	} {
		if has := r[1]; has > 0 {
			sum += max(0, has-r[0]) * bestScore / has
			kinds++
		}
	}
	if kinds == 0 {
		return 0
	}
	return sum / kinds
}

// balancedAllocation prefers nodes on which the pod makes CPU and memory more evenly used.
type balancedAllocation struct{ asIs }

func (balancedAllocation) Name() string { return "NodeResourcesBalancedAllocation" }

func (balancedAllocation) Weight() int64 { return 1 }

// Score is about 75 when the pod changes nothing, up to 100 when it balances the node and down to 50 when it tips it.
func (balancedAllocation) Score(p *podInfo, n *nodeInfo) int64 {
	if p.requests.zero() {
		return 0
	}
	before := balance(n.requests.cpu, n.requests.memory, n.allocatable)
	after := balance(n.requests.cpu+p.requests.cpu, n.requests.memory+p.requests.memory, n.allocatable)
	return bestScore/2 + (bestScore/2+after-before)/2
}

// balance is 100 when the same part of CPU and of memory is used, less the more they differ.
func balance(cpu, memory int64, has amounts) int64 {
	if has.cpu == 0 || has.memory == 0 {
		return bestScore
	}
	difference := math.Abs(min(1, float64(cpu)/float64(has.cpu)) - min(1, float64(memory)/float64(has.memory)))
	return int64((1 - difference/2) * bestScore)
}
