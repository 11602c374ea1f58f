package kubelet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func rule(action corev1.ContainerRestartRuleAction, codes ...int32) corev1.ContainerRestartRule {
	return corev1.ContainerRestartRule{Action: action, ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{Operator: corev1.ContainerRestartRuleOnExitCodesOpIn, Values: codes}}
}

// withRules gives the container main a policy of its own.
func withRules(policy corev1.ContainerRestartPolicy, rules ...corev1.ContainerRestartRule) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].RestartPolicy, pod.Spec.Containers[0].RestartPolicyRules = &policy, rules
	}
}

func TestContainerRestartRules(t *testing.T) {
	const restart = corev1.ContainerRestartRuleActionRestart
	for name, c := range map[string]struct {
		pod, own corev1.RestartPolicy
		code     int32
		want     int // containers started in five seconds: the first restart comes at once
	}{
		"rule matches":              {corev1.RestartPolicyNever, corev1.RestartPolicyNever, 42, 2},
		"no rule matches, Never":    {corev1.RestartPolicyAlways, corev1.RestartPolicyNever, 1, 1},
		"no rule matches, Always":   {corev1.RestartPolicyNever, corev1.RestartPolicyAlways, 0, 2},
		"OnFailure after a success": {corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.runtime.exitsAfter["main"], w.runtime.exitCode["main"] = 0, c.code
				w.api.put(newPod("web", withPolicy(c.pod), withRules(corev1.ContainerRestartPolicy(c.own), rule(restart, 42, 43))))
				w.after(5 * time.Second)
				if got := len(w.runtime.starts); got != c.want {
					t.Errorf("started %d times, want %d", got, c.want)
				}
			})
		})
	}
}

func TestRestartAllContainersStartsThePodOver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.exitsAfter["setup"] = 0
		w.api.put(newPod("web", withPolicy(corev1.RestartPolicyNever), withRules(corev1.ContainerRestartPolicyNever,
			rule(corev1.ContainerRestartRuleActionRestartAllContainers, 42)), func(pod *corev1.Pod) {
			pod.Spec.InitContainers = []corev1.Container{{Name: "setup", Image: "drydock/web:1"}}
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "beside", Image: "drydock/web:1"})
		}))
		synctest.Wait()
		w.expect("web", "Running/ready/ready")
		for _, name := range []string{"setup", "main", "beside"} { // the runtime is a fake: it writes no logs
			if err := os.WriteFile(filepath.Join(w.root, "log", "default_web_uid-of-web", name, "0.log"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := w.runtime.called()
		w.runtime.end("main", 42)
		synctest.Wait()
		w.expect("web", "Running/ready/ready")
		want := []string{
			"stop beside 2s", "create setup", "start setup", "create main", "start main", "create beside", "start beside",
		}
		if diff := cmp.Diff(want, w.runtime.called()[len(before):]); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		for _, c := range append(w.status("web").ContainerStatuses, w.status("web").InitContainerStatuses...) {
			end := c.LastTerminationState.Terminated
			if c.RestartCount != 1 || end == nil || end.Reason != "RestartingAllContainers" || end.ExitCode != 137 {
				t.Errorf("%s: %d restarts, last end %+v", c.Name, c.RestartCount, end)
			}
		}
		var seen []string
		records, _ := w.ring.Since(0)
		for _, r := range records {
			if r.Action == "RestartAllContainers" {
				seen = append(seen, r.Message)
			}
		}
		if diff := cmp.Diff([]string{"container exited with restart policy rule"}, seen); diff != "" {
			t.Errorf("decisions (-want +got):\n%s", diff)
		}
		for _, c := range w.status("web").Conditions {
			if c.Type == corev1.AllContainersRestarting && c.Status != corev1.ConditionFalse {
				t.Errorf("condition %+v", c)
			}
		}
		w.runtime.end("main", 1) // no rule for this one
		w.runtime.end("beside", 0)
		synctest.Wait()
		w.expect("web", "Failed/exit 1/exit 0")
	})
}

func TestSidecarsEndLastInReverseOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		always, pause := corev1.ContainerRestartPolicyAlways, func(seconds int64) *corev1.Lifecycle {
			return &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}}
		}
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Lifecycle = pause(5)
			for _, name := range []string{"first", "second"} {
				pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{
					Name: name, Image: "drydock/web:1", RestartPolicy: &always, Lifecycle: pause(3),
				})
			}
		}))
		w.after(5 * time.Second)
		before := len(w.runtime.called())
		w.delete("web", 10)
		w.after(4 * time.Second)
		if got := w.runtime.called()[before:]; len(got) != 0 {
			t.Errorf("%q: sidecars were stopped before the container they serve", got)
		}
		w.after(2 * time.Second) // the hooks of all run side by side
		var stops []string
		for _, call := range w.runtime.called()[before:] {
			if strings.HasPrefix(call, "stop ") && call != "stop sandbox" {
				stops = append(stops, strings.Fields(call)[1])
			}
		}
		if diff := cmp.Diff([]string{"main", "second", "first"}, stops); diff != "" {
			t.Errorf("stops (-want +got):\n%s", diff)
		}
		if w.api.pod("default", "web") != nil {
			t.Error("hooks and waiting took longer than the grace period")
		}
	})
}
