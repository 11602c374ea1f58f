package kubelet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func condition(s *corev1.PodStatus, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range s.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

func TestLostSandboxIsReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web"))
		synctest.Wait()
		before := w.status("web")
		w.runtime.killSandbox("s1")
		w.after(time.Second)
		w.expect("web", "Running/ready")
		s := w.status("web")
		if s.PodIP == before.PodIP || len(s.PodIPs) != 1 || s.PodIPs[0].IP != s.PodIP || len(s.HostIPs) != 1 {
			t.Errorf("addresses: %s %v %v, before %s", s.PodIP, s.PodIPs, s.HostIPs, before.PodIP)
		}
		if n := s.ContainerStatuses[0].RestartCount; n != 1 {
			t.Errorf("restart count %d", n)
		}
		if want := "Normal SandboxChanged: Pod sandbox changed, it will be killed and re-created."; !w.hasEvent(want) {
			t.Errorf("no Event %q in %q", want, w.api.told())
		}
		if n := w.runtime.newest("main").config.Metadata.Attempt; n != 1 {
			t.Errorf("attempt %d", n)
		}
	})
}

func TestTransitionTimesMoveOnlyWithStatus(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web"))
		synctest.Wait()
		before := w.status("web")
		w.after(time.Minute)
		w.runtime.end("main", 1)
		w.after(time.Second)
		w.runtime.end("main", 1) // now it has to wait
		w.after(time.Second)
		after := w.status("web")
		if diff := cmp.Diff(condition(before, corev1.PodScheduled), condition(after, corev1.PodScheduled)); diff != "" {
			t.Errorf("PodScheduled changed:\n%s", diff)
		}
		ready := condition(after, corev1.PodReady)
		if ready.Status != corev1.ConditionFalse || ready.Reason != "ContainersNotReady" || ready.Message != "containers with unready status: [main]" {
			t.Errorf("Ready: %+v", ready)
		}
		if !ready.LastTransitionTime.After(condition(before, corev1.PodReady).LastTransitionTime.Time) {
			t.Error("Ready became false at no new time")
		}
		if !before.StartTime.Equal(after.StartTime) {
			t.Errorf("start time moved from %v to %v", before.StartTime, after.StartTime)
		}
		w.after(10 * time.Second)
		if ready := condition(w.status("web"), corev1.PodReady); ready.Status != corev1.ConditionTrue || ready.Reason != "" || ready.Message != "" {
			t.Errorf("Ready again, but %+v", ready)
		}
	})
}

func TestDeadlineKeepsItsReason(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		seconds := int64(30)
		w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.ActiveDeadlineSeconds = &seconds }))
		w.after(29 * time.Second)
		w.expect("web", "Running/ready")
		w.after(2 * time.Second)
		s := w.status("web")
		if s.Phase != corev1.PodFailed || s.Reason != "DeadlineExceeded" || s.Message != "Pod was active on the node longer than the specified deadline" {
			t.Errorf("phase %s reason %s message %q", s.Phase, s.Reason, s.Message)
		}
		if s.ContainerStatuses[0].State.Terminated == nil {
			t.Errorf("the container's end is not shown: %+v", s.ContainerStatuses[0].State)
		}
		if c := condition(s, corev1.ContainersReady); c.Status != corev1.ConditionFalse || c.Reason != "PodFailed" {
			t.Errorf("ContainersReady: %+v", c)
		}
	})
}

func TestForeignConditionsSurvive(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/gate"}}
		}))
		synctest.Wait()
		if c := condition(w.status("web"), corev1.PodReady); c.Reason != "ReadinessGatesNotReady" {
			t.Errorf("Ready: %+v", c)
		}
		w.api.change("default", "web", func(pod *corev1.Pod) {
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: "example.com/gate", Status: corev1.ConditionTrue})
		})
		synctest.Wait()
		if c := condition(w.status("web"), corev1.PodReady); c.Status != corev1.ConditionTrue {
			t.Errorf("Ready: %+v", c)
		}
		if c := condition(w.status("web"), "example.com/gate"); c.Status != corev1.ConditionTrue {
			t.Errorf("the gate was lost: %+v", w.status("web").Conditions)
		}
	})
}

func TestFinalizerHoldsOnlyTheObject(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web"))
		synctest.Wait()
		w.api.change("default", "web", func(pod *corev1.Pod) { pod.Finalizers = []string{"example.com/hold"} })
		w.delete("web", 30)
		w.after(10 * time.Second)
		if n := len(w.runtime.sandboxes); n != 0 {
			t.Errorf("%d sandboxes left", n)
		}
		if deletes := w.api.deletes; deletes != 1 {
			t.Errorf("%d final deletes, want 1", deletes)
		}
	})
}
