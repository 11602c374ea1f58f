package scheduler_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

func important(priority int32) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Priority = &priority }
}

func startedAgo(d time.Duration) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.StartTime = &metav1.Time{Time: time.Now().Add(-d)} }
}

// TestVictims is which pods have to go for an important pod of 1500m that fits nowhere.
func TestVictims(t *testing.T) {
	full := func(name, node string, mends ...func(*corev1.Pod)) *corev1.Pod {
		return newPod(name, append([]func(*corev1.Pod){on(node), requests("1500m", "0"), important(1), func(p *corev1.Pod) {
			p.Finalizers = []string{"test/stay"}
		}}, mends...)...)
	}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "db"}}
	budget.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "db"}}
	for _, test := range []struct {
		name    string
		objects []runtime.Object
		pod     func(*corev1.Pod)
		victims []string
		node    string
		message string
	}{
		{
			name:    "the less important",
			objects: []runtime.Object{newNode("a"), newNode("b"), full("x", "a", important(5)), full("y", "b")},
			victims: []string{"y"}, node: "b",
		},
		{
			name: "as few as needed",
			objects: []runtime.Object{
				newNode("a"), full("x", "a", requests("1", "0")), full("y", "a", requests("500m", "0")), full("z", "a", requests("500m", "0"), important(2)),
			},
			victims: []string{"x", "y"}, node: "a",
		},
		{
			name:    "not what a budget protects",
			objects: []runtime.Object{budget, newNode("a"), newNode("b"), full("x", "a", app("db")), full("y", "b", important(5))},
			victims: []string{"y"}, node: "b",
		},
		{
			name:    "but rather that than nothing",
			objects: []runtime.Object{budget, newNode("a"), full("x", "a", app("db"))},
			victims: []string{"x"}, node: "a",
		},
		{
			name:    "the newer",
			objects: []runtime.Object{newNode("a"), newNode("b"), full("x", "a", startedAgo(time.Hour)), full("y", "b", startedAgo(time.Minute))},
			victims: []string{"y"}, node: "b",
		},
		{
			name:    "none as important",
			objects: []runtime.Object{newNode("a"), full("x", "a", important(10))},
			message: "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
		},
		{
			name:    "none by a pod that never takes",
			objects: []runtime.Object{newNode("a"), full("x", "a")},
			pod:     func(p *corev1.Pod) { p.Spec.PreemptionPolicy = ptr.To(corev1.PreemptNever) },
			message: "preemption: not eligible due to preemptionPolicy=Never.",
		},
		{
			name:    "none in vain",
			objects: []runtime.Object{newNode("a"), full("x", "a", requests("500m", "0")), full("y", "a", requests("1", "0"), important(20))},
			message: "preemption: 0/1 nodes are available: 1 Insufficient cpu.",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mends := []func(*corev1.Pod){requests("1500m", "0"), important(10)}
				if test.pod != nil {
					mends = append(mends, test.pod)
				}
				c := start(t, append(test.objects, newPod("web", mends...))...)
				c.Settle()
				var going []string
				for _, p := range list(t, c) {
					if p.DeletionTimestamp != nil {
						going = append(going, p.Name)
					}
				}
				slices.Sort(going)
				if !slices.Equal(going, test.victims) {
					t.Errorf("victims %q, want %q", going, test.victims)
				}
				web, told := get(t, c, "web"), events(t, c, "web")
				if web.Status.NominatedNodeName != test.node {
					t.Errorf("nominated to %q, want %q", web.Status.NominatedNodeName, test.node)
				}
				if test.message != "" && (len(told) != 1 || !strings.HasSuffix(told[0], test.message)) {
					t.Errorf("events %q, want … %s", told, test.message)
				}
				for _, victim := range test.victims {
					want := "Preempted: Preempted by pod " + string(web.UID) + " on node " + test.node
					if got := events(t, c, victim); !slices.Equal(got, []string{want}) {
						t.Errorf("events of %s: %q, want %q", victim, got, want)
					}
					if got := get(t, c, victim).Status.Conditions; len(got) != 1 || got[0].Reason != corev1.PodReasonPreemptionByScheduler {
						t.Errorf("conditions of %s: %+v", victim, got)
					}
				}
			})
		})
	}
}

// TestPreemptor: the room that victims leave is kept for the pod they left it for, and no one else has to go.
func TestPreemptor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newNode("a"), newPod("low", on("a"), requests("2", "0"), func(p *corev1.Pod) { p.Finalizers = []string{"test/stay"} }))
		c.Settle()
		create(t, c, newPod("high", requests("2", "0"), important(10)))
		c.Settle()
		create(t, c, newPod("other", requests("2", "0")))
		c.Settle()
		low := get(t, c, "low")
		if low.DeletionTimestamp == nil {
			t.Fatal("low stays")
		}
		low.Finalizers = nil
		if _, err := c.Client.CoreV1().Pods("default").Update(ctx, low, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		now := int64(0)
		_ = c.Client.CoreV1().Pods("default").Delete(ctx, "low", metav1.DeleteOptions{GracePeriodSeconds: &now}) // may be gone
		c.Settle()
		if got := get(t, c, "high").Spec.NodeName; got != "a" {
			t.Errorf("high is on node %q, want a; events %q", got, events(t, c, "high"))
		}
		if got := get(t, c, "other").Spec.NodeName; got != "" {
			t.Errorf("other is on node %q", got)
		}
	})
}
