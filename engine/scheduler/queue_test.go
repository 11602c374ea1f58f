package scheduler

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// In the package: from outside nothing can be made to happen between a cycle's look at the nodes and its end.

// TestChangeDuringAnAttempt: what happens while a pod is being refused may be what it waits for.
func TestChangeDuringAnAttempt(t *testing.T) {
	for _, test := range []struct {
		name    string
		during  event
		waiting bool
	}{
		{"what could help", event{what: nodeAdded, node: &corev1.Node{}}, true},
		{"something else", event{what: nodeLabels, before: &corev1.Node{}, node: &corev1.Node{}}, false},
		{"nothing", event{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue()
				q.add(newPodInfo(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "u"}}))
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				i, err := q.pop(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if test.during.what != 0 {
					q.happened(test.during)
				}
				q.setAside(i, waits{refused: []filter{nodeUnschedulable{}}})
				if _, err := q.pop(ctx); (err == nil) != test.waiting {
					t.Errorf("second pop: %v, want the pod: %t", err, test.waiting)
				}
			})
		})
	}
}

// TestLeftover: a pod that nothing helps is tried again after five minutes all the same, also when others come and go all the time.
func TestLeftover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		named := func(name string) *podInfo {
			return newPodInfo(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}})
		}
		q.add(named("web"))
		for began, round := time.Now(), 0; ; round++ {
			a, err := q.pop(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			waited := time.Since(began)
			switch {
			case a.Name == "web" && round > 0:
				if waited < leftover || waited > leftover+2*sweepEvery {
					t.Errorf("tried again after %s", waited)
				}
				return
			case waited > 2*leftover:
				t.Fatal("never tried again")
			}
			q.setAside(a, waits{refused: []filter{nodeUnschedulable{}}})
			q.remove("other")
			time.AfterFunc(45*time.Second, func() { q.add(named("other")) })
		}
	})
}

// TestChangeOfTheWaitingPod: only what may have kept it away is worth another attempt, and not before its back-off has ended while
// others wait.
func TestChangeOfTheWaitingPod(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*corev1.Pod)
		again  bool
	}{
		{"a toleration", bears(corev1.TaintNodeUnschedulable), true},
		{"a label", isCalled("x", "y"), false},
		{"its image", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "other" }, false},
		{"its status", func(p *corev1.Pod) { p.Status.Message = "refused" }, false},
	} {
		for _, during := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, during the attempt %t", test.name, during), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					q := newQueue()
					q.add(hintPod())
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					a, err := q.pop(ctx)
					if err != nil {
						t.Fatal(err)
					}
					if during {
						q.add(hintPod(test.change))
					}
					q.setAside(a, waits{refused: []filter{nodeUnschedulable{}}})
					if !during {
						q.add(hintPod(test.change))
					}
					if _, err := q.pop(ctx); (err == nil) != test.again {
						t.Errorf("second pop: %v, want the pod: %t", err, test.again)
					}
				})
			})
		}
	}
}
