package conformance_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	policyv1client "k8s.io/client-go/kubernetes/typed/policy/v1"
)

func (r *room) budgets() policyv1client.PodDisruptionBudgetInterface {
	return r.PolicyV1().PodDisruptionBudgets(r.ns)
}

func (r *room) budget(name string, min int32) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{ObjectMeta: r.meta(name), Spec: policyv1.PodDisruptionBudgetSpec{
		Selector: selector("web"), MinAvailable: new(port(min)),
	}}
}

func (r *room) tryEvict(pod string) error {
	return r.pods().EvictV1(r.ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod, Namespace: r.ns}})
}

func (r *room) evict(pod string) {
	r.Helper()
	r.ok(r.tryEvict(pod))
}

// healthy waits until a budget has counted n pods.
func (r *room) healthy(name string, n int32) {
	r.Helper()
	await(r, r.budgets(), name, func(b *policyv1.PodDisruptionBudget) bool {
		return b.Status.ObservedGeneration == b.Generation && b.Status.CurrentHealthy == n
	})
}

func TestBudgetBlocksEvictionUntilItChanges(t *testing.T) {
	r := enter(t)
	must(r.sets().Create(r.ctx, r.replicaSet("web", 2), metav1.CreateOptions{}))(r)
	pods := r.awaitReady("app=web", 2)
	must(r.budgets().Create(r.ctx, r.budget("two", 2), metav1.CreateOptions{}))(r)
	r.healthy("two", 2)
	if err := r.tryEvict(pods[0].Name); !apierrors.IsTooManyRequests(err) {
		r.Errorf("evicting answers %v", err)
	}
	change(r, r.budgets(), "two", func(b *policyv1.PodDisruptionBudget) { b.Spec.MinAvailable = new(port(1)) })
	await(r, r.budgets(), "two", func(b *policyv1.PodDisruptionBudget) bool { return b.Status.DisruptionsAllowed == 1 })
	r.evict(pods[0].Name)
	gone[*corev1.Pod](r, r.pods(), named(pods[0].Name))
	// By a patch it can forbid again.
	r.awaitReady("app=web", 2)
	patch(r, r.budgets(), "two", map[string]any{"spec": map[string]any{"minAvailable": nil, "maxUnavailable": 0}})
	await(r, r.budgets(), "two", func(b *policyv1.PodDisruptionBudget) bool {
		return b.Status.ObservedGeneration == b.Generation && b.Status.DisruptionsAllowed == 0
	})
	if err := r.tryEvict(pods[1].Name); !apierrors.IsTooManyRequests(err) {
		r.Errorf("evicting answers %v", err)
	}
	r.ok(r.budgets().Delete(r.ctx, "two", metav1.DeleteOptions{}))
	r.evict(pods[1].Name)
}

func TestBudgetLifecycle(t *testing.T) {
	r := enter(t)
	lifecycle(r, r.budgets(), r.budget("one", 1))
	must(r.budgets().Create(r.ctx, r.budget("two", 1), metav1.CreateOptions{}))(r)
	change(r, r.budgets(), "two", func(b *policyv1.PodDisruptionBudget) { b.Spec.MinAvailable = new(port(2)) })
	await(r, r.budgets(), "two", func(b *policyv1.PodDisruptionBudget) bool { return b.Status.ObservedGeneration == 2 })
}

func TestBudgetCollection(t *testing.T) {
	r := enter(t)
	collection(r, r.budgets(), func(name string) *policyv1.PodDisruptionBudget { return r.budget(name, 1) })
	must(r.budgets().Create(r.ctx, r.budget("one", 1), metav1.CreateOptions{}))(r)
	// A list of all namespaces shows it.
	gone := true
	for _, b := range must(r.PolicyV1().PodDisruptionBudgets("").List(r.ctx, labelled("app=one")))(r).Items {
		gone = gone && b.Namespace != r.ns
	}
	if gone {
		r.Error("the list of all namespaces lacks it")
	}
}

func TestBudgetStatus(t *testing.T) {
	r := enter(t)
	must(r.sets().Create(r.ctx, r.replicaSet("web", 1), metav1.CreateOptions{}))(r)
	must(r.budgets().Create(r.ctx, r.budget("one", 1), metav1.CreateOptions{}))(r)
	r.healthy("one", 1)
	keepsConditions(r, r.budgets(), "one", func(b *policyv1.PodDisruptionBudget) (kinds []string) {
		for _, c := range b.Status.Conditions {
			kinds = append(kinds, c.Type)
		}
		return kinds
	}, func(b *policyv1.PodDisruptionBudget, kind string) {
		b.Status.Conditions = append(b.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: "Told", LastTransitionTime: metav1.Now(),
		})
	})
}
