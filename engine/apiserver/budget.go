package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"drydock/engine/api"
)

var budgetKind = api.Lookup(policyv1.SchemeGroupVersion.WithResource("poddisruptionbudgets"))

// mostDisrupted bounds how many evicted pods a budget remembers; more means that its controller does not come along.
const mostDisrupted = 2000

// leave is the permission to evict a pod.
type leave struct {
	// thisVersion: it holds for the pod as it is now, because it rests on the pod's state.
	thisVersion bool
	budget      string // the budget that was asked; "" when none is about the pod
}

// mayLeave asks the pod's budget, and subtracts the pod from it. TooManyRequests when the budget has none left to give.
func (s *Server) mayLeave(ctx context.Context, pod *corev1.Pod, by writer) (leave, error) {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || pod.DeletionTimestamp != nil
	if ended || pod.Status.Phase == corev1.PodPending {
		return leave{thisVersion: !ended}, nil // nobody is served by it
	}
	budget, err := s.budgetOf(ctx, pod)
	if err != nil || budget == nil {
		return leave{}, err
	}
	if !podReady(pod) && letsUnreadyGo(budget) {
		return leave{thisVersion: true, budget: budget.Name}, nil
	}
	return leave{budget: budget.Name}, s.spend(ctx, budget, pod.Name, by)
}

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// letsUnreadyGo: a pod that serves nobody may go when the budget says so, or when enough others serve (KEP-3017).
func letsUnreadyGo(b *policyv1.PodDisruptionBudget) bool {
	if ptr.Deref(b.Spec.UnhealthyPodEvictionPolicy, policyv1.IfHealthyBudget) == policyv1.AlwaysAllow {
		return true
	}
	return b.Status.CurrentHealthy >= b.Status.DesiredHealthy && b.Status.DesiredHealthy > 0
}

// budgetOf finds the budget that selects the pod; nil for none.
func (s *Server) budgetOf(ctx context.Context, pod *corev1.Pod) (*policyv1.PodDisruptionBudget, error) {
	entries, err := s.objectsOf(ctx, budgetKind, pod.Namespace)
	if err != nil {
		return nil, err
	}
	var found *policyv1.PodDisruptionBudget
	for _, e := range entries {
		budget := e.obj.(*policyv1.PodDisruptionBudget)
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		if found != nil {
			return nil, plainStatus(http.StatusInternalServerError, "",
				"This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
		}
		found = budget
	}
	return found, nil
}

// spend takes one disruption from the budget and notes the pod in it, until the controller has seen it go.
func (s *Server) spend(ctx context.Context, budget *policyv1.PodDisruptionBudget, pod string, by writer) error {
	t := target{kind: budgetKind, namespace: budget.Namespace, name: budget.Name}
	for {
		e, err := s.stored(ctx, t)
		if apierrors.IsNotFound(err) {
			return nil // it went a moment ago, and its protection with it
		}
		if err != nil {
			return err
		}
		left := e.obj.(*policyv1.PodDisruptionBudget).DeepCopy()
		if err := refusal(left); err != nil || by.dryRun {
			return err
		}
		left.Status.DisruptionsAllowed--
		if left.Status.DisruptionsAllowed == 0 {
			meta.SetStatusCondition(&left.Status.Conditions, metav1.Condition{
				Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse,
				Reason: policyv1.InsufficientPodsReason, ObservedGeneration: left.Status.ObservedGeneration,
			})
		}
		if left.Status.DisruptedPods == nil {
			left.Status.DisruptedPods = map[string]metav1.Time{}
		}
		left.Status.DisruptedPods[pod] = metav1.Now()
		after, err := s.overwrite(ctx, t, e, left)
		if apierrors.IsConflict(err) && ctx.Err() == nil {
			continue
		}
		if err == nil {
			s.record(by, t, change{action: "Spend", before: e, after: after})
		}
		return err
	}
}

// refusal is the reason why a budget lets no pod go; nil when it does.
func refusal(b *policyv1.PodDisruptionBudget) error {
	doesNot := fmt.Sprintf("The disruption budget %s does not allow evicting pods currently", b.Name)
	forbidden := func(reason, cause string) error {
		err := apierrors.NewForbidden(policyv1.Resource("poddisruptionbudget"), b.Name, errors.New(reason))
		return because(err, doesNot+": "+cause)
	}
	switch {
	case b.Status.ObservedGeneration < b.Generation:
		return stillProcessed(b.Name)
	case b.Status.DisruptionsAllowed < 0:
		return forbidden("pdb disruptions allowed is negative", "pdb disruptions allowed is negative")
	case len(b.Status.DisruptedPods) > mostDisrupted:
		return forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller",
			"too many pending evictions not confirmed by PDB controller")
	case b.Status.DisruptionsAllowed > 0:
		return nil
	}
	text := doesNot
	condition := meta.FindStatusCondition(b.Status.Conditions, policyv1.DisruptionAllowedCondition)
	said := condition != nil && condition.Status == metav1.ConditionFalse && condition.Message != ""
	switch {
	case said && condition.Reason == policyv1.SyncFailedReason:
		text += " because it failed sync: " + condition.Message
	case b.Status.CurrentHealthy <= b.Status.DesiredHealthy:
		text = fmt.Sprintf("The disruption budget %s needs %d healthy pods and has %d currently", b.Name, b.Status.DesiredHealthy, b.Status.CurrentHealthy)
	case said:
		text += fmt.Sprintf(" (%s): %s", condition.Reason, condition.Message)
	}
	return because(apierrors.NewTooManyRequests(wouldViolate, 0), text)
}

const wouldViolate = "Cannot evict pod as it would violate the pod's disruption budget."

// stillProcessed asks to come again: the budget's controller has not seen its newest form.
func stillProcessed(name string) error {
	return because(apierrors.NewTooManyRequests(wouldViolate, 10), fmt.Sprintf("The disruption budget %s is still being processed by the server.", name))
}

func because(err *apierrors.StatusError, text string) error {
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{Type: policyv1.DisruptionBudgetCause, Message: text})
	return err
}
