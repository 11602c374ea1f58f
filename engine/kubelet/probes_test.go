package kubelet_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func execProbe(period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"check"}}},
		PeriodSeconds: period, FailureThreshold: failures, SuccessThreshold: 1, TimeoutSeconds: 1,
	}
}

// answers makes every exec probe answer code from now on.
func (w *world) answers(code int32) {
	w.runtime.mu.Lock()
	defer w.runtime.mu.Unlock()
	w.runtime.exec = func(string, []string) (int32, string) { return code, "verdict" }
}

func (w *world) hasEvent(text string) bool {
	return slices.ContainsFunc(w.api.told(), func(s string) bool { return strings.Contains(s, text) })
}

func TestReadinessFollowsProbe(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answers(1)
		w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.Containers[0].ReadinessProbe = execProbe(5, 3) }))
		w.after(2 * time.Second)
		w.expect("web", "Running/running")
		if !w.hasEvent("Warning Unhealthy: Readiness probe failed: verdict") {
			t.Errorf("Events: %q", w.api.told())
		}
		w.answers(0)
		w.after(5 * time.Second)
		w.expect("web", "Running/ready")
		w.answers(1)
		w.after(9 * time.Second) // two failures: below the threshold
		w.expect("web", "Running/ready")
		w.after(6 * time.Second)
		w.expect("web", "Running/running")
		if n := w.status("web").ContainerStatuses[0].RestartCount; n != 0 {
			t.Errorf("a readiness probe restarted the container %d times", n)
		}
	})
}

func TestLivenessRestarts(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answers(0)
		w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.Containers[0].LivenessProbe = execProbe(10, 3) }))
		w.after(time.Minute)
		w.answers(1)
		w.after(35 * time.Second)
		w.answers(0)
		w.after(time.Second)
		if n := w.status("web").ContainerStatuses[0].RestartCount; n != 1 {
			t.Errorf("%d restarts, want 1", n)
		}
		if want := "Normal Killing: Container main failed liveness probe, will be restarted"; !w.hasEvent(want) {
			t.Errorf("no Event %q in %q", want, w.api.told())
		}
		w.after(5 * time.Minute)
		w.expect("web", "Running/ready")
	})
}

func TestStartupHoldsBackTheOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var starts, checks int // guarded by mu, as is startCode
		startCode := int32(1)
		w.runtime.exec = func(_ string, command []string) (int32, string) {
			mu.Lock()
			defer mu.Unlock()
			if command[0] == "start" {
				starts++
				return startCode, ""
			}
			checks++
			return 0, ""
		}
		counts := func() (int, int) {
			mu.Lock()
			defer mu.Unlock()
			return starts, checks
		}
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			c := &pod.Spec.Containers[0]
			c.StartupProbe, c.ReadinessProbe = execProbe(10, 30), execProbe(10, 3)
			c.StartupProbe.Exec.Command = []string{"start"}
		}))
		w.after(25 * time.Second)
		if _, checks := counts(); checks > 0 {
			t.Error("readiness was probed before startup had succeeded")
		}
		if started := w.status("web").ContainerStatuses[0].Started; started == nil || *started {
			t.Errorf("started: %v", started)
		}
		mu.Lock()
		startCode = 0
		mu.Unlock()
		w.after(10 * time.Second)
		w.expect("web", "Running/ready")
		before, _ := counts()
		w.after(time.Minute)
		after, _ := counts()
		if before != after {
			t.Errorf("startup was probed %d times after it had succeeded", after-before)
		}
	})
}

func TestAdoptedContainerStaysReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers(0)
		w.start()
		w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.Containers[0].ReadinessProbe = execProbe(10, 3) }))
		w.after(time.Second)
		w.expect("web", "Running/ready")
		w.stop()
		before := len(w.api.phases)
		w.start()
		defer func() { w.stop() }()
		w.after(time.Minute)
		if flaps := w.api.phases[before:]; len(flaps) > 0 {
			t.Errorf("a new kubelet made the pod flap: %v", flaps)
		}
	})
}

func TestDeletedPodIsNotRestartedByItsProbe(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.answers(0)
		w.runtime.ignoreTerm["main"] = true
		w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.Containers[0].LivenessProbe = execProbe(1, 1) }))
		w.after(1500 * time.Millisecond) // between two probes
		w.answers(1)
		w.delete("web", 30)
		w.after(40 * time.Second)
		if w.hasEvent("Liveness probe failed") {
			t.Errorf("probed while ending: %q", w.api.told())
		}
		if starts := len(w.runtime.called()); w.api.pod("default", "web") != nil {
			t.Errorf("still there after %d calls: %v", starts, w.runtime.called())
		}
		for i, call := range w.runtime.called() {
			if i > 2 && strings.HasPrefix(call, "create") {
				t.Errorf("restarted while ending: %v", fmt.Sprint(w.runtime.called()))
			}
		}
	})
}
