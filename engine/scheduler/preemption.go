package scheduler

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/utils/ptr"
)

const defaultPreemption = "DefaultPreemption"

// What preemption says about a node where it found nothing.
var (
	notHelpful = &refusal{reasons: []string{"Preemption is not helpful for scheduling"}}
	noVictims  = &refusal{reasons: []string{"No preemption victims found for incoming pod"}}
)

// plan is what preemption (the PostFilter phase) wants to do for a pod that fits nowhere.
type plan struct {
	node      string
	victims   []*podInfo // most important first; none: nothing can be done
	message   string     // what the pod's user is told of it
	nominated *string    // the new status.nominatedNodeName; nil leaves it alone
}

// sacrifice is what it would cost to make room on one node.
type sacrifice struct {
	node     string
	victims  []*podInfo // most important first
	breaches int        // victims whose PodDisruptionBudget does not allow it
}

// planLocked looks for the node where the least is lost if pods of lower priority go.
func (s *Scheduler) planLocked(c *cycle, d diagnosis) plan {
	if !c.profile.preempt || d.nodes == 0 {
		return plan{}
	}
	if ptr.Deref(c.Spec.PreemptionPolicy, "") == corev1.PreemptNever {
		return plan{message: "not eligible due to preemptionPolicy=Never."}
	}
	if c.victimsStillLeave(d) {
		return plan{message: "not eligible due to a terminating pod on the nominated node."}
	}
	found, verdicts := s.sacrificesLocked(c, d)
	if len(found) == 0 {
		return plan{message: available(d.nodes, verdicts), nominated: ptr.To("")}
	}
	best := cheapest(found)
	s.world.nominated[c.UID] = nomination{c.podInfo, best.node}
	return plan{
		node: best.node, victims: best.victims, nominated: &best.node,
		message: fmt.Sprintf("found a potential placement for pod on node %v, preempting %d victims", best.node, len(best.victims)),
	}
}

// victimsStillLeave says whether the pod waits for victims of an earlier attempt.
func (c *cycle) victimsStillLeave(d diagnosis) bool {
	node := c.world.nominated[c.UID].node
	n := c.world.nodes[node]
	if r := d.refusals[node]; n == nil || r != nil && !r.victims {
		return false
	}
	for _, p := range n.pods {
		if p.DeletionTimestamp != nil && priority(p) < priority(c.podInfo) && preempted(p.Pod) {
			return true
		}
	}
	return false
}

func preempted(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue && c.Reason == corev1.PodReasonPreemptionByScheduler
	})
}

// sacrificesLocked tries nodes, from any on, until there are enough to choose from.
func (s *Scheduler) sacrificesLocked(c *cycle, d diagnosis) ([]sacrifice, map[string]*refusal) {
	verdicts := map[string]*refusal{}
	var nodes []*nodeInfo
	for _, n := range s.world.sorted {
		verdicts[n.node.Name] = notHelpful
		if r := d.refusals[n.node.Name]; r != nil && r.victims {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return nil, verdicts
	}
	budgets, _ := s.budgets.List(labels.Everything()) // a cache: no error
	var found []sacrifice
	begin, enough, harmless := rand.IntN(len(nodes)), max(100, len(nodes)/10), false
	for i := range nodes {
		n := nodes[(begin+i)%len(nodes)]
		cost, r := c.sacrificeOn(n, newAllowances(budgets))
		if r != nil {
			verdicts[n.node.Name] = r
			continue
		}
		found = append(found, cost)
		harmless = harmless || cost.breaches == 0
		if harmless && len(found) >= enough {
			break
		}
	}
	return found, verdicts
}

// sacrificeOn takes all pods of lower priority off a node and, when the pod then fits, puts back what can stay: first
// those whose budget does not allow a loss, and of each kind the most important first. The world is left as it was.
func (c *cycle) sacrificeOn(n *nodeInfo, budgets allowances) (sacrifice, *refusal) {
	var lower []*podInfo
	for _, p := range n.pods {
		if priority(p) < priority(c.podInfo) {
			lower = append(lower, p)
		}
	}
	if len(lower) == 0 {
		return sacrifice{}, noVictims
	}
	slices.SortFunc(lower, byImportance)
	for _, p := range lower {
		c.move(p, n, -1)
	}
	gone := map[*podInfo]bool{}
	defer func() {
		for _, p := range lower {
			if c.world.podLocked(p.UID) == nil {
				c.move(p, n, 1)
			}
		}
	}()
	if _, r := c.refuse(n); r != nil {
		return sacrifice{}, r
	}
	cost := sacrifice{node: n.node.Name}
	protected, others := budgets.split(lower)
	for i, p := range slices.Concat(protected, others) {
		c.move(p, n, 1)
		if _, r := c.refuse(n); r == nil {
			continue
		}
		c.move(p, n, -1)
		gone[p] = true
		if i < len(protected) {
			cost.breaches++
		}
	}
	cost.victims = slices.DeleteFunc(slices.Clone(lower), func(p *podInfo) bool { return !gone[p] })
	if len(cost.victims) == 0 {
		return sacrifice{}, noVictims // the pod fits after all; the next attempt sees it
	}
	return cost, nil
}

func priority(p *podInfo) int32 { return corev1helpers.PodPriority(p.Pod) }

// byImportance sorts by priority, then those first that have run for longer.
func byImportance(a, b *podInfo) int {
	return cmp.Or(-cmp.Compare(priority(a), priority(b)), startOf(a).Compare(startOf(b)))
}

func startOf(p *podInfo) time.Time {
	if p.Status.StartTime == nil {
		return time.Now()
	}
	return p.Status.StartTime.Time
}

// cheapest chooses as upstream does: the fewest breaches of budgets, then the lowest highest priority among the victims,
// the lowest sum of priorities, the fewest victims, and the one whose most important victims have run for the least time.
func cheapest(found []sacrifice) sacrifice {
	return slices.MinFunc(found, func(a, b sacrifice) int {
		return cmp.Or(
			cmp.Compare(a.breaches, b.breaches),
			cmp.Compare(priority(a.victims[0]), priority(b.victims[0])),
			cmp.Compare(a.priorities(), b.priorities()),
			cmp.Compare(len(a.victims), len(b.victims)),
			b.earliest().Compare(a.earliest()),
		)
	})
}

// priorities is a sum to which even the lowest priority adds something.
func (s sacrifice) priorities() (sum int64) {
	for _, p := range s.victims {
		sum += int64(priority(p)) + math.MaxInt32 + 1
	}
	return sum
}

// earliest is the first start among the victims of the highest priority.
func (s sacrifice) earliest() time.Time { return startOf(s.victims[0]) }
