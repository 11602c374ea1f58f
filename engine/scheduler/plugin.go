package scheduler

import (
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
)

// refusal is why a plugin does not want a pod on a node.
type refusal struct {
	plugin  string
	reasons []string
	// victims says that the node would do if some of its pods went away: what preemption asks.
	victims bool
}

// filter is a plugin of the Filter phase. It is also a judge, or a preFilter that makes one for each cycle.
type filter interface {
	Name() string
	// Helps is the queueing hint: whether a pod that was refused is worth another look after an event.
	Helps(p *podInfo, e event) bool
}

// judge is what is asked about each node.
type judge interface {
	// Filter returns nil when the pod may go to the node. It must not change anything.
	Filter(p *podInfo, n *nodeInfo) *refusal
}

// preFilter is a filter whose answer about one node depends on the others.
type preFilter interface {
	filter
	// PreFilter looks at the whole cluster once; nil when the plugin has nothing to say about the pod. world.mu is held.
	PreFilter(p *podInfo, w *world) judge
}

// refuser is a judge that may know before any node is looked at that none will do.
type refuser interface {
	// Everywhere returns nil when it depends on the node.
	Everywhere() *refusal
}

// reserver is a judge that takes something for a pod when its node has been chosen.
type reserver interface {
	// Reserve returns nil when there is nothing to take. world.mu is held.
	Reserve(p *podInfo, n *nodeInfo) *reservation
}

// counter is a judge that counts pods. Preemption tells it what a node would be like with a pod less (sign -1) or more (1).
type counter interface {
	Count(other *podInfo, n *nodeInfo, sign int)
}

// score is a plugin of the Score phase. It is also a scorer, or a preScore that makes one for each cycle.
type score interface {
	Name() string
	Weight() int64
}

// scorer is what is asked about each node that passed the filters.
type scorer interface {
	// Score returns points for the node, 0 to 100 unless Normalize makes them so.
	Score(p *podInfo, n *nodeInfo) int64
	// Normalize brings the points of all nodes into 0 to 100, in place.
	Normalize(points []int64)
}

// preScore is a score whose points for one node depend on the others.
type preScore interface {
	score
	// PreScore looks at the whole cluster once; nil when the plugin does not care. world.mu is held.
	PreScore(p *podInfo, w *world, fitting []candidate) scorer
}

// bestScore is the most points a plugin gives.
const bestScore = 100

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
	requests  amounts // what it asks for
	nonzero   amounts // the same, containers that ask for nothing counting as small ones
	ports     []hostPort
	affinity  affinity
	neighbors *neighbors // nil: it says nothing about other pods
	spread    []spreadConstraint
	claims    []string     // its PersistentVolumeClaims, by name
	gone      *atomic.Bool // nobody waits for it any more
}

func newPodInfo(pod *corev1.Pod) *podInfo {
	return &podInfo{
		Pod: pod, requests: requestsOf(pod), nonzero: nonzeroOf(pod), ports: portsOf(pod), affinity: affinityOf(pod),
		neighbors: neighborsOf(pod), spread: spreadOf(pod.Spec.TopologySpreadConstraints, pod.Labels),
		claims: claimsOf(pod), gone: &atomic.Bool{},
	}
}
