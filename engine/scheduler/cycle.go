package scheduler

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// choice is the result of a scheduling cycle that found a node.
type choice struct {
	node    string
	details map[string]string
}

// candidate is a node that passed all filters.
type candidate struct {
	node   *nodeInfo
	points []int64 // weighted, in the order of Scheduler.scores
	total  int64
}

// schedule is the scheduling cycle: it finds a node for a pod and assumes the pod on it. nil when there is none: then the
// item is back in the queue and the pod knows why.
func (s *Scheduler) schedule(ctx context.Context, a *attempt) *choice {
	if a.DeletionTimestamp != nil || s.world.placed(a.UID) {
		s.queue.remove(a.UID)
		return nil
	}
	best, found := s.decide(a.podInfo)
	if best != nil {
		return best
	}
	// Aside before the pod is told: what happens while we tell must be able to wake it.
	s.queue.setAside(a, found.wakes)
	s.unschedulable(ctx, a.podInfo, found)
	return nil
}

// decide holds the lock over Filter, Score and assume, so that nothing changes in between.
func (s *Scheduler) decide(p *podInfo) (*choice, diagnosis) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	fitting, found := s.filterLocked(p)
	if len(fitting) == 0 {
		return nil, found
	}
	s.score(p, fitting)
	best := pick(fitting)
	s.world.placeLocked(p, best.node.node.Name)
	return &choice{node: best.node.node.Name, details: s.explain(fitting, found)}, found
}

// filterLocked asks the filters about nodes until enough nodes have passed. It begins where the last cycle ended, so that
// in a large cluster every node gets its turn.
func (s *Scheduler) filterLocked(p *podInfo) ([]candidate, diagnosis) {
	nodes := s.world.sorted
	d := diagnosis{nodes: len(nodes), refusals: map[string]*refusal{}, wakes: nodeAdded}
	var fitting []candidate
	looked := 0
	for ; looked < len(nodes) && len(fitting) < enough(len(nodes)); looked++ {
		n := nodes[(s.start+looked)%len(nodes)]
		if f, r := s.refuse(p, n); r != nil {
			d.refusals[n.node.Name] = r
			d.wakes |= f.Events()
			continue
		}
		fitting = append(fitting, candidate{node: n})
	}
	if len(nodes) > 0 {
		s.start = (s.start + looked) % len(nodes)
	}
	return fitting, d
}

func (s *Scheduler) refuse(p *podInfo, n *nodeInfo) (filter, *refusal) {
	for _, f := range s.filters {
		if r := f.Filter(p, n); r != nil {
			return f, r
		}
	}
	return nil, nil
}

// enough is how many fitting nodes are worth comparing: all of up to 100, and a falling share of more.
func enough(nodes int) int {
	share := max(5, 50-nodes/125)
	return max(100, nodes*share/100)
}

func (s *Scheduler) score(p *podInfo, fitting []candidate) {
	if len(fitting) == 1 {
		return // nothing to compare
	}
	points := make([]int64, len(fitting))
	all := make([]int64, len(fitting)*len(s.scores))
	for k, plugin := range s.scores {
		for i := range fitting {
			points[i] = plugin.Score(p, fitting[i].node)
		}
		plugin.Normalize(points)
		for i := range fitting {
			fitting[i].points = all[i*len(s.scores) : (i+1)*len(s.scores)]
			fitting[i].points[k] = points[i] * plugin.Weight()
			fitting[i].total += fitting[i].points[k]
		}
	}
}

// pick returns the node with the most points; among equals any, each as likely as the others.
func pick(fitting []candidate) *candidate {
	best, equals := &fitting[0], 1
	for i := range fitting[1:] {
		switch c := &fitting[1+i]; {
		case c.total > best.total:
			best, equals = c, 1
		case c.total == best.total:
			if equals++; rand.IntN(equals) == 0 {
				best = c
			}
		}
	}
	return best
}

// explained is the most nodes that a decision record speaks of.
const explained = 50

// explain says for each node what the plugins thought of it.
func (s *Scheduler) explain(fitting []candidate, d diagnosis) map[string]string {
	details := refusalDetails(d)
	for _, c := range fitting[:min(len(fitting), explained)] {
		if c.points == nil {
			details[c.node.node.Name] = "fits: the only one"
			continue
		}
		parts := make([]string, len(s.scores))
		for k, plugin := range s.scores {
			parts[k] = fmt.Sprintf("%s %d", plugin.Name(), c.points[k])
		}
		details[c.node.node.Name] = fmt.Sprintf("fits: score %d (%s)", c.total, strings.Join(parts, ", "))
	}
	return details
}

func refusalDetails(d diagnosis) map[string]string {
	details := map[string]string{}
	for node, r := range d.refusals {
		if len(details) == explained {
			break
		}
		details[node] = r.plugin + ": " + strings.Join(r.reasons, ", ")
	}
	return details
}

// unschedulable tells the pod's user and writes the record.
func (s *Scheduler) unschedulable(ctx context.Context, p *podInfo, d diagnosis) {
	message := d.message()
	s.Warning(p.Pod, "FailedScheduling", "%s", message)
	s.Decide(decision.Record{
		Object: controller.Refer("pods", p), Action: "Schedule", Reason: "FailedScheduling", Message: message, Details: refusalDetails(d),
	})
	s.setCondition(ctx, p, "Unschedulable", message)
}
