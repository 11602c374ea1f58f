package scheduler

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// allowances are PodDisruptionBudgets and how many more pods each may lose.
type allowances struct {
	budgets []*policyv1.PodDisruptionBudget
	left    []int32
}

func newAllowances(budgets []*policyv1.PodDisruptionBudget) allowances {
	a := allowances{budgets: budgets}
	for _, b := range budgets {
		a.left = append(a.left, b.Status.DisruptionsAllowed)
	}
	return a
}

// split tells the pods whose loss a budget does not allow, once those before them are lost, from the others.
func (a allowances) split(pods []*podInfo) (protected, others []*podInfo) {
	for _, p := range pods {
		if a.spend(p) {
			others = append(others, p)
		} else {
			protected = append(protected, p)
		}
	}
	return protected, others
}

// spend takes the loss of a pod from its budgets and says whether they allowed it.
func (a allowances) spend(p *podInfo) bool {
	for i, b := range a.budgets {
		selector := selectorOf(b.Spec.Selector)
		if b.Namespace != p.Namespace || len(p.Labels) == 0 || selector.Empty() || !selector.Matches(labels.Set(p.Labels)) {
			continue
		}
		if _, counted := b.Status.DisruptedPods[p.Name]; counted {
			continue
		}
		if a.left[i]--; a.left[i] < 0 {
			return false
		}
	}
	return true
}
