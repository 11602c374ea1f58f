package disruption_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/disruption"
)

var ctx = context.Background()

func budget(mend func(*policyv1.PodDisruptionBudgetSpec)) *policyv1.PodDisruptionBudget {
	b := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
	}
	mend(&b.Spec)
	return b
}

func pod(name, ownerKind string, ready corev1.ConditionStatus) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"app": "web"}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
	if ownerKind != "" {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: ownerKind, Name: "web", UID: "rs-uid", Controller: &yes}}
	}
	return p
}

func set(replicas int32) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "rs-uid"}, Spec: appsv1.ReplicaSetSpec{Replicas: &replicas}}
}

func start(t *testing.T, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t, objects...)
	dc, err := disruption.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(dc)
	c.Settle()
	return c
}

// numbers are currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed.
func numbers(t *testing.T, c *controllertest.Cluster) [4]int32 {
	t.Helper()
	s := status(t, c)
	return [4]int32{s.CurrentHealthy, s.DesiredHealthy, s.ExpectedPods, s.DisruptionsAllowed}
}

func status(t *testing.T, c *controllertest.Cluster) policyv1.PodDisruptionBudgetStatus {
	t.Helper()
	b, err := c.Client.PolicyV1().PodDisruptionBudgets("default").Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return b.Status
}

func TestCounts(t *testing.T) {
	yes, no := corev1.ConditionTrue, corev1.ConditionFalse
	value := func(v intstr.IntOrString) *intstr.IntOrString { return &v }
	atLeast := func(v intstr.IntOrString) func(*policyv1.PodDisruptionBudgetSpec) {
		return func(s *policyv1.PodDisruptionBudgetSpec) { s.MinAvailable = value(v) }
	}
	atMost := func(v intstr.IntOrString) func(*policyv1.PodDisruptionBudgetSpec) {
		return func(s *policyv1.PodDisruptionBudgetSpec) { s.MaxUnavailable = value(v) }
	}
	for _, test := range []struct {
		name    string
		spec    func(*policyv1.PodDisruptionBudgetSpec)
		objects []runtime.Object
		want    [4]int32
		reason  string
	}{
		{"a number must stay", atLeast(intstr.FromInt32(1)), []runtime.Object{pod("a", "", yes), pod("b", "", yes)}, [4]int32{2, 1, 2, 1}, "SufficientPods"},
		{"one is not ready", atLeast(intstr.FromInt32(1)), []runtime.Object{pod("a", "", yes), pod("b", "", no)}, [4]int32{1, 1, 2, 0}, "InsufficientPods"},
		{"one is missing", atMost(intstr.FromInt32(1)), []runtime.Object{set(3), pod("a", "ReplicaSet", yes), pod("b", "ReplicaSet", yes)}, [4]int32{2, 2, 3, 0}, "InsufficientPods"},
		{"a share", atMost(intstr.FromString("50%")), []runtime.Object{set(2), pod("a", "ReplicaSet", yes), pod("b", "ReplicaSet", yes)}, [4]int32{2, 1, 2, 1}, "SufficientPods"},
		{"no pods", atLeast(intstr.FromInt32(0)), nil, [4]int32{}, "InsufficientPods"},
		{"pods of a DaemonSet", atMost(intstr.FromInt32(1)), []runtime.Object{pod("a", "DaemonSet", yes)}, [4]int32{}, "SyncFailed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, append(test.objects, budget(test.spec))...)
				if diff := cmp.Diff(test.want, numbers(t, c)); diff != "" {
					t.Errorf("currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed (-want +got):\n%s", diff)
				}
				if conditions := status(t, c).Conditions; len(conditions) != 1 || conditions[0].Reason != test.reason {
					t.Errorf("conditions %+v, want %s", conditions, test.reason)
				}
			})
		})
	}
}

// TestPromises: a pod that was let go does not count, until it is clear that it stays.
func TestPromises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := intstr.FromInt32(1)
		b := budget(func(s *policyv1.PodDisruptionBudgetSpec) { s.MinAvailable = &one })
		b.Status.DisruptedPods = map[string]metav1.Time{"a": metav1.Now()}
		marked := pod("a", "", corev1.ConditionTrue)
		marked.Status.Conditions = append(marked.Status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI", LastTransitionTime: metav1.Now(),
		})
		c := start(t, b, marked, pod("b", "", corev1.ConditionTrue))
		if diff := cmp.Diff([4]int32{1, 1, 2, 0}, numbers(t, c)); diff != "" {
			t.Errorf("at first (-want +got):\n%s", diff)
		}
		c.Advance(3 * time.Minute)
		if diff := cmp.Diff([4]int32{2, 1, 2, 1}, numbers(t, c)); diff != "" {
			t.Errorf("after three minutes (-want +got):\n%s", diff)
		}
		p, err := c.Client.CoreV1().Pods("default").Get(ctx, "a", metav1.GetOptions{})
		if err != nil || p.Status.Conditions[1].Status != corev1.ConditionFalse {
			t.Errorf("the mark is %+v, %v", p.Status.Conditions, err)
		}
	})
}

func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		one := intstr.FromInt32(1)
		c := start(t, budget(func(s *policyv1.PodDisruptionBudgetSpec) { s.MinAvailable = &one }))
		c.Lossy(seed)
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			if _, err := c.Client.CoreV1().Pods("default").Create(ctx, pod(name, "", corev1.ConditionTrue), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			c.Advance(time.Second)
		}
		now := int64(0)
		_ = c.Client.CoreV1().Pods("default").Delete(ctx, "c", metav1.DeleteOptions{GracePeriodSeconds: &now})
		c.Advance(time.Second)
		c.Reliable()
		c.Advance(time.Hour)
		if diff := cmp.Diff([4]int32{4, 1, 4, 3}, numbers(t, c)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
