package scheduler

import "math"

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
