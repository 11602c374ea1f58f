package scheduler

import (
	corev1 "k8s.io/api/core/v1"
)

// change is something that happened in the cluster; a set of them as bits.
type change uint

// The changes that can make a pod schedulable.
const (
	nodeAdded change = 1 << iota
	nodeResources
	nodeLabels
	nodeTaints
	nodeCordon
	podGone // from a node

	anyNode = nodeAdded | nodeResources | nodeLabels | nodeTaints | nodeCordon
)

// refusal is why a plugin does not want a pod on a node.
type refusal struct {
	plugin  string
	reasons []string
	// victims says that the node would do if some of its pods went away: what preemption asks.
	victims bool
}

// filter is a plugin of the Filter phase.
type filter interface {
	Name() string
	// Filter returns nil when the pod may go to the node. It must not change anything.
	Filter(p *podInfo, n *nodeInfo) *refusal
	// Events are the changes after which a pod that was refused is worth another look.
	Events() change
}

// score is a plugin of the Score phase.
type score interface {
	Name() string
	Weight() int64
	// Score returns points for the node, 0 to 100 unless normalize makes them so.
	Score(p *podInfo, n *nodeInfo) int64
	// Normalize brings the points of all nodes into 0 to 100, in place.
	Normalize(points []int64)
}

// bestScore is the most points a plugin gives.
const bestScore = 100

// filters are the plugins in the order they are asked; the first refusal counts.
func filters() []filter {
	return []filter{nodeUnschedulable{}, nodeName{}, taintToleration{}, nodeAffinity{}, nodePorts{}, resourcesFit{}}
}

func scores() []score {
	return []score{taintToleration{}, nodeAffinity{}, resourcesFit{}, balancedAllocation{}}
}

// asIs is for plugins whose points need no Normalize.
type asIs struct{}

func (asIs) Normalize([]int64) {}

// stretch scales points so that the highest becomes bestScore; reversed, so that the highest becomes 0.
func stretch(points []int64, reverse bool) {
	var highest int64
	for _, p := range points {
		highest = max(highest, p)
	}
	for i, p := range points {
		if highest > 0 {
			p = p * bestScore / highest
		}
		if reverse {
			p = bestScore - p
		}
		points[i] = p
	}
}

// podInfo is a pod and what the plugins would otherwise compute for every node anew.
type podInfo struct {
	*corev1.Pod
	requests amounts // what it asks for
	nonzero  amounts // the same, containers that ask for nothing counting as small ones
	ports    []hostPort
	affinity affinity
}

func newPodInfo(pod *corev1.Pod) *podInfo {
	return &podInfo{
		Pod: pod, requests: requestsOf(pod), nonzero: nonzeroOf(pod), ports: portsOf(pod), affinity: affinityOf(pod),
	}
}
