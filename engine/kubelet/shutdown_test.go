package kubelet_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

func TestShutdownReturnsWhenTheNodeIsKnownToBeDown(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		synctest.Wait()
		w.kubelet.ShutDown(context.Background())
		for _, c := range w.node().Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				t.Errorf("the node is still Ready: %s", c.Message)
			}
		}
	})
}

func TestShutdownEndsPodsByPriority(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.ignoreTerm["main"] = true
		w.api.put(newPod("web"))
		w.api.put(newPod("vital", func(pod *corev1.Pod) {
			pod.Spec.Priority = ptr.To[int32](2_000_000_000)
			pod.Spec.Containers[0].Name = "heart"
		}))
		synctest.Wait()
		began, ended := time.Now(), make(chan time.Duration, 1)
		go func() {
			w.kubelet.ShutDown(context.Background())
			ended <- time.Since(began)
		}()
		w.after(time.Second)
		ready := map[string]string{}
		for _, c := range w.node().Status.Conditions {
			ready[string(c.Type)] = string(c.Status) + " " + c.Reason + " " + c.Message
		}
		if got, want := ready["Ready"], "False KubeletNotReady node is shutting down"; got != want {
			t.Errorf("node: %q, want %q", got, want)
		}
		if diff := cmp.Diff([]string{"heart", "main"}, sorted(w.runtime.running())); diff != "" {
			t.Errorf("running after 1 s (-want +got):\n%s", diff)
		}
		w.api.put(newPod("late"))
		w.after(time.Second)
		if s := w.status("late"); s.Phase != corev1.PodFailed || s.Reason != "NodeShutdown" || s.Message != "Pod was rejected: Pod was rejected as the node is shutting down." {
			t.Errorf("late: %s %s %q", s.Phase, s.Reason, s.Message)
		}
		took := <-ended
		synctest.Wait()                                     // the last statuses are on their way
		if took < 20*time.Second || took > 31*time.Second { // 20 s for the stubborn one; the vital one ends at once
			t.Errorf("took %v", took)
		}
		for _, name := range []string{"web", "vital"} {
			s := w.status(name)
			if s.Reason != "Terminated" || s.Message != "Pod was terminated in response to imminent node shutdown." || s.Phase == corev1.PodRunning {
				t.Errorf("%s: %s %s %q", name, s.Phase, s.Reason, s.Message)
			}
			target := ""
			for _, c := range s.Conditions {
				if c.Type == corev1.DisruptionTarget {
					target = c.Reason
				}
			}
			if target != "TerminationByKubelet" {
				t.Errorf("%s: DisruptionTarget because of %q", name, target)
			}
		}
	})
}

func sorted(words []string) []string {
	slices.Sort(words)
	return words
}
