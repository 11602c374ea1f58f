package scheduler_test

import (
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestGates: a gated pod is not tried, and says why; without the gate it goes at once.
func TestGates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gated := func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "wait"}} }
		c := start(t, newNode("a"), newPod("web", gated))
		c.Settle()
		got := get(t, c, "web")
		if got.Spec.NodeName != "" || len(got.Status.Conditions) != 1 || got.Status.Conditions[0].Reason != corev1.PodReasonSchedulingGated {
			t.Fatalf("gated: node %q, conditions %+v", got.Spec.NodeName, got.Status.Conditions)
		}
		if texts := events(t, c, "web"); len(texts) != 0 {
			t.Errorf("events %q", texts)
		}
		got.Spec.SchedulingGates = nil
		if _, err := c.Client.CoreV1().Pods("default").Update(ctx, got, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		if got := get(t, c, "web").Spec.NodeName; got != "a" {
			t.Errorf("without the gate on node %q, want a", got)
		}
	})
}
