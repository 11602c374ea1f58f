package scheduler

import (
	"context"
	"math/rand/v2"
)

// choice is the result of a scheduling cycle that found a node.
type choice struct {
	node    string
	details map[string]string
	volumes *reservation // nil when the pod waits for none
}

// candidate is a node that passed all filters.
type candidate struct {
	node   *nodeInfo
	points []int64 // weighted, in the order of cycle.scorers
	total  int64
}

// cycle is one pod's way through the plugins of its profile. Owned by Run, under world.mu.
type cycle struct {
	*podInfo
	profile *profile
	world   *world
	judges  []seat
	scorers []weightedScorer
}

// seat is a filter and what it has sent to judge this cycle's pod.
type seat struct {
	filter
	judge
}

// weightedScorer is a score and what it has sent to give points in this cycle.
type weightedScorer struct {
	weighted
	scorer
}

// schedule is the scheduling cycle: it finds a node for a pod and assumes the pod on it. nil when there is none: then the
// item is back in the queue and the pod knows why.
func (s *Scheduler) schedule(ctx context.Context, a *attempt) *choice {
	if a.DeletionTimestamp != nil || s.world.placed(a.UID) {
		s.queue.decided()
		s.queue.remove(a.UID)
		return nil
	}
	if len(a.Spec.SchedulingGates) > 0 {
		s.waitAtGate(ctx, a)
		return nil
	}
	best, found := s.decide(a.podInfo)
	if best != nil {
		s.queue.decided()
		return best
	}
	if err := s.preempt(ctx, a.podInfo, found.preemption); err != nil {
		s.preemptionFailed(ctx, a, err)
		return nil
	}
	// Aside before the pod is told: what happens while we tell must be able to wake it.
	s.queue.setAside(a, waits{refused: found.refused})
	s.unschedulable(ctx, a.podInfo, found)
	return nil
}

// decide holds the lock over Filter, Score and assume, so that nothing changes in between.
func (s *Scheduler) decide(p *podInfo) (*choice, diagnosis) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	c := &cycle{podInfo: p, profile: s.profiles[p.Spec.SchedulerName], world: s.world}
	c.preFilter()
	fitting, found := s.filterLocked(c)
	if len(fitting) == 0 {
		found.preemption = s.planLocked(c, found)
		return nil, found
	}
	c.score(fitting)
	best := pick(fitting)
	s.world.placeLocked(p, best.node.node.Name)
	delete(s.world.nominated, p.UID)
	return &choice{node: best.node.node.Name, details: c.explain(fitting, found), volumes: c.reserve(best.node)}, found
}

// reserve takes what the pod needs on its node.
func (c *cycle) reserve(n *nodeInfo) *reservation {
	for _, s := range c.judges {
		if taker, ok := s.judge.(reserver); ok {
			return taker.Reserve(c.podInfo, n)
		}
	}
	return nil
}

func (c *cycle) preFilter() {
	for _, f := range c.profile.filters {
		var j judge
		if pre, ok := f.(preFilter); ok {
			j = pre.PreFilter(c.podInfo, c.world)
		} else {
			j = f.(judge)
		}
		if j != nil {
			c.judges = append(c.judges, seat{f, j})
		}
	}
}

// filterLocked asks the filters about nodes until enough nodes have passed. It begins where the last cycle ended, so that
// in a large cluster every node gets its turn. A node that the pod is nominated to comes before all others.
func (s *Scheduler) filterLocked(c *cycle) ([]candidate, diagnosis) {
	nodes := s.world.sorted
	d := diagnosis{nodes: len(nodes), refusals: map[string]*refusal{}}
	if f, r := c.refusedEverywhere(); r != nil {
		d.everywhere = r
		for _, n := range nodes {
			d.note(n.node.Name, f, r)
		}
		return nil, d
	}
	if n := s.world.nodes[s.world.nominated[c.UID].node]; n != nil && n.node != nil {
		if _, r := c.refuse(n); r == nil {
			return []candidate{{node: n}}, d
		}
	}
	var fitting []candidate
	looked := 0
	for ; looked < len(nodes) && len(fitting) < enough(len(nodes)); looked++ {
		n := nodes[(s.start+looked)%len(nodes)]
		if f, r := c.refuse(n); r != nil {
			d.note(n.node.Name, f, r)
			continue
		}
		fitting = append(fitting, candidate{node: n})
	}
	if len(nodes) > 0 {
		s.start = (s.start + looked) % len(nodes)
	}
	return fitting, d
}

// refusedEverywhere is the first refusal that no node can change.
func (c *cycle) refusedEverywhere() (filter, *refusal) {
	for _, s := range c.judges {
		if j, ok := s.judge.(refuser); ok {
			if r := j.Everywhere(); r != nil {
				return s.filter, r
			}
		}
	}
	return nil, nil
}

// refuse asks about a node as it will be with the pods nominated to it that are as important; and as it is, since those
// pods may not come, and this one may need what is there now.
func (c *cycle) refuse(n *nodeInfo) (filter, *refusal) {
	if others := c.nominatedTo(n); len(others) > 0 {
		for _, other := range others {
			c.move(other, n, 1)
		}
		f, r := c.ask(n)
		for _, other := range others {
			c.move(other, n, -1)
		}
		if r != nil {
			return f, r
		}
	}
	return c.ask(n)
}

func (c *cycle) ask(n *nodeInfo) (filter, *refusal) {
	for _, s := range c.judges {
		if r := s.judge.Filter(c.podInfo, n); r != nil {
			return s.filter, r
		}
	}
	return nil, nil
}

// move pretends that a pod were on a node (sign 1) or were not (-1).
func (c *cycle) move(other *podInfo, n *nodeInfo, sign int) {
	if sign > 0 {
		c.world.placeLocked(other, n.node.Name)
	} else {
		c.world.removeLocked(other.UID)
	}
	for _, s := range c.judges {
		if counts, ok := s.judge.(counter); ok {
			counts.Count(other, n, sign)
		}
	}
}

// enough is how many fitting nodes are worth comparing: all of up to 100, and a falling share of more.
func enough(nodes int) int {
	share := max(5, 50-nodes/125)
	return max(100, nodes*share/100)
}

func (c *cycle) score(fitting []candidate) {
	if len(fitting) == 1 {
		return // nothing to compare
	}
	c.preScore(fitting)
	points := make([]int64, len(fitting))
	all := make([]int64, len(fitting)*len(c.scorers))
	for k, plugin := range c.scorers {
		for i := range fitting {
			points[i] = plugin.Score(c.podInfo, fitting[i].node)
		}
		plugin.Normalize(points)
		for i := range fitting {
			fitting[i].points = all[i*len(c.scorers) : (i+1)*len(c.scorers)]
			fitting[i].points[k] = points[i] * plugin.weight
			fitting[i].total += fitting[i].points[k]
		}
	}
}

func (c *cycle) preScore(fitting []candidate) {
	for _, s := range c.profile.scores {
		var giver scorer
		if pre, ok := s.score.(preScore); ok {
			giver = pre.PreScore(c.podInfo, c.world, fitting)
		} else {
			giver = s.score.(scorer)
		}
		if giver != nil {
			c.scorers = append(c.scorers, weightedScorer{s, giver})
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
