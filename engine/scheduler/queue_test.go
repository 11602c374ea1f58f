package scheduler

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
				q.add(newPodInfo(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "u"}}), true)
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
