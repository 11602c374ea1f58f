package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// noNodes is what is said when there are no nodes at all.
const noNodes = "no nodes available to schedule pods"

// What preemption says about a node that refused: whether taking pods away could have helped. There are never victims,
// because preemption itself is left out; upstream says the same when no pod on the node has a lower priority.
const (
	notHelpful = "Preemption is not helpful for scheduling"
	noVictims  = "No preemption victims found for incoming pod"
)

// diagnosis collects why no node will do.
type diagnosis struct {
	nodes    int
	refusals map[string]*refusal // by node
	wakes    change
}

// message is what the Event and the condition say:
//
//	0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: …
func (d diagnosis) message() string {
	if d.nodes == 0 {
		return noNodes
	}
	reasons, preemption := map[string]int{}, map[string]int{}
	for _, r := range d.refusals {
		for _, reason := range r.reasons {
			reasons[reason]++
		}
		if r.victims {
			preemption[noVictims]++
		} else {
			preemption[notHelpful]++
		}
	}
	available := fmt.Sprintf("0/%d nodes are available:", d.nodes)
	return fmt.Sprintf("%s %s. preemption: %s %s.", available, histogram(reasons), available, histogram(preemption))
}

// histogram is "count reason" for each, sorted as text, as upstream has it.
func histogram(reasons map[string]int) string {
	var parts []string
	for reason, count := range reasons {
		parts = append(parts, fmt.Sprintf("%d %s", count, reason))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
