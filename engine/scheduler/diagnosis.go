package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// noNodes is what is said when there are no nodes at all.
const noNodes = "no nodes available to schedule pods"

// diagnosis collects why no node will do.
type diagnosis struct {
	nodes      int
	refusals   map[string]*refusal // by node
	refused    []filter            // the plugins that refused, each once
	everywhere *refusal            // what no node can change; nil when they differ
	preemption plan
}

func (d *diagnosis) note(node string, f filter, r *refusal) {
	d.refusals[node] = r
	if !slices.ContainsFunc(d.refused, func(known filter) bool { return known.Name() == f.Name() }) {
		d.refused = append(d.refused, f)
	}
}

// message is what the Event and the condition say:
//
//	0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: …
func (d diagnosis) message() string {
	if d.nodes == 0 {
		return noNodes
	}
	message := available(d.nodes, d.refusals)
	if d.everywhere != nil {
		message = fmt.Sprintf("0/%d nodes are available: %s.", d.nodes, strings.Join(d.everywhere.reasons, ", "))
	}
	if d.preemption.message != "" {
		message += " preemption: " + d.preemption.message
	}
	return message
}

// available counts the reasons of the refusals.
func available(nodes int, refusals map[string]*refusal) string {
	reasons := map[string]int{}
	for _, r := range refusals {
		for _, reason := range r.reasons {
			reasons[reason]++
		}
	}
	return fmt.Sprintf("0/%d nodes are available: %s.", nodes, histogram(reasons))
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
