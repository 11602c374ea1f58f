package kubelet_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func cpu(amount string) corev1.ResourceRequirements {
	list := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(amount), corev1.ResourceMemory: resource.MustParse("64Mi")}
	return corev1.ResourceRequirements{Requests: list, Limits: list}
}

func (w *world) resizeTo(name, amount string) {
	w.api.change("default", name, func(pod *corev1.Pod) {
		pod.Generation++
		pod.Spec.Containers[0].Resources = cpu(amount)
	})
	w.after(time.Second)
}

// resizeCondition is how far a resize has come, in a few words.
func (w *world) resizeCondition(name string) string {
	for _, c := range w.status(name).Conditions {
		if c.Type == corev1.PodResizePending || c.Type == corev1.PodResizeInProgress {
			return string(c.Type) + " " + c.Reason + ": " + c.Message
		}
	}
	return ""
}

func TestResize(t *testing.T) {
	sized := func(name, amount string, policy corev1.ResourceResizeRestartPolicy) *corev1.Pod {
		return newPod(name, func(pod *corev1.Pod) {
			c := &pod.Spec.Containers[0]
			c.Name, c.Resources = name, cpu(amount)
			pod.Status.QOSClass = corev1.PodQOSGuaranteed
			c.ResizePolicy = []corev1.ContainerResizePolicy{{ResourceName: corev1.ResourceCPU, RestartPolicy: policy}}
		})
	}
	inBubble(t, func(t *testing.T, w *world) { // 2 cores
		w.api.put(sized("live", "500m", corev1.NotRequired))
		w.api.put(sized("again", "500m", corev1.RestartContainer))
		synctest.Wait()

		w.resizeTo("live", "700m")
		s := w.status("live").ContainerStatuses[0]
		if !slices.Contains(w.runtime.called(), "resize live to cpu 70000 memory 67108864") || s.RestartCount != 0 || s.Resources.Limits.Cpu().String() != "700m" {
			t.Errorf("live: restarts %d, limit %s, calls %v", s.RestartCount, s.Resources.Limits.Cpu(), w.runtime.called())
		}
		if got := w.resizeCondition("live"); got != "" {
			t.Errorf("after the resize: %s", got)
		}

		w.resizeTo("again", "600m")
		if s := w.status("again").ContainerStatuses[0]; s.RestartCount != 1 || s.Resources.Limits.Cpu().String() != "600m" {
			t.Errorf("again: restarts %d, limit %s", s.RestartCount, s.Resources.Limits.Cpu())
		}

		for _, want := range []string{"resize shares 716 quota 0 memory 0", "resize shares 716 quota 70000 memory 67108864", "resize shares 614 quota 60000 memory 67108864"} {
			if !slices.Contains(w.runtime.parents, want) {
				t.Errorf("cgroups of the pods lack %q: %v", want, w.runtime.parents)
			}
		}

		w.resizeTo("live", "3")
		if got, want := w.resizeCondition("live"), "PodResizePending Infeasible: Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000"; got != want {
			t.Errorf("too much: %q, want %q", got, want)
		}
		if limit := w.status("live").ContainerStatuses[0].Resources.Limits.Cpu().String(); limit != "700m" {
			t.Errorf("what was not granted shows as %s", limit)
		}

		w.resizeTo("live", "1500m")
		if got, want := w.resizeCondition("live"), "PodResizePending Deferred: Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000"; got != want {
			t.Errorf("not yet: %q, want %q", got, want)
		}
		w.delete("again", 0)
		w.after(15 * time.Second)
		if got := w.status("live").ContainerStatuses[0].Resources.Limits.Cpu().String(); got != "1500m" || w.resizeCondition("live") != "" {
			t.Errorf("after room was made: %s, %s", got, w.resizeCondition("live"))
		}
		told := strings.Join(w.api.told(), "\n")
		for _, want := range []string{"ResizeStarted", "ResizeCompleted", "ResizeInfeasible", "ResizeDeferred"} {
			if !strings.Contains(told, want) {
				t.Errorf("no Event %s", want)
			}
		}
	})
}
