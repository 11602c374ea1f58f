package kubelet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestMemoryPressureEvictsTheGreediest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.capacity = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
		w.start()
		defer func() { w.stop() }()
		container := func(name string) func(*corev1.Pod) {
			return func(pod *corev1.Pod) { pod.Spec.Containers[0].Name = name }
		}
		w.runtime.holds["small"], w.runtime.holds["greedy"] = 64<<20, 128<<20
		w.api.put(newPod("modest", container("small")))
		w.api.put(newPod("hungry", container("greedy")))
		w.after(15 * time.Second)
		w.expect("hungry", "Running/ready")
		w.runtime.mu.Lock()
		w.runtime.holds["greedy"] = 900 << 20
		w.runtime.mu.Unlock()
		w.after(15 * time.Second)
		s := w.status("hungry")
		if s.Phase != corev1.PodFailed || s.Reason != "Evicted" {
			t.Errorf("hungry: %s %s", s.Phase, s.Reason)
		}
		for _, want := range []string{
			"The node was low on resource: memory. Threshold quantity: 100Mi, available: ",
			"Container greedy was using 900Mi, request is 0, has larger consumption of memory. ",
		} {
			if !strings.Contains(s.Message, want) {
				t.Errorf("message %q lacks %q", s.Message, want)
			}
		}
		if diff := cmp.Diff([]string{"small"}, w.runtime.running()); diff != "" {
			t.Errorf("running (-want +got):\n%s", diff)
		}
		pressure := func() string {
			for _, c := range w.node().Status.Conditions {
				if c.Type == corev1.NodeMemoryPressure {
					return string(c.Status) + " " + c.Reason
				}
			}
			return ""
		}
		if got := pressure(); got != "True KubeletHasInsufficientMemory" {
			t.Errorf("condition %q", got)
		}
		w.api.put(newPod("late"))
		synctest.Wait()
		if s := w.status("late"); s.Reason != "Evicted" || s.Message != "Pod was rejected: The node had condition: [MemoryPressure]. " {
			t.Errorf("late: %s %q", s.Reason, s.Message)
		}
		w.after(6 * time.Minute)
		if got := pressure(); got != "False KubeletHasSufficientMemory" {
			t.Errorf("condition after the transition period %q", got)
		}
	})
}
