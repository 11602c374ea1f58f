package kubelet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func (w *world) node() *corev1.Node {
	w.t.Helper()
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	if w.api.node == nil {
		w.t.Fatal("no node is registered")
	}
	return w.api.node.DeepCopy()
}

func conditionsOf(node *corev1.Node) map[string]string {
	conditions := map[string]string{}
	for _, c := range node.Status.Conditions {
		conditions[string(c.Type)] = string(c.Status) + " " + c.Reason
	}
	return conditions
}

func TestNodeIsBornReady(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		node := w.node()
		want := map[string]string{
			"MemoryPressure": "False KubeletHasSufficientMemory", "DiskPressure": "False KubeletHasNoDiskPressure",
			"PIDPressure": "False KubeletHasSufficientPID", "Ready": "True KubeletReady",
		}
		if diff := cmp.Diff(want, conditionsOf(node)); diff != "" {
			t.Errorf("conditions (-want +got):\n%s", diff)
		}
		wantAddresses := []corev1.NodeAddress{{Type: "InternalIP", Address: "172.30.0.11"}, {Type: "Hostname", Address: "node-1"}}
		if diff := cmp.Diff(wantAddresses, node.Status.Addresses); diff != "" {
			t.Errorf("addresses (-want +got):\n%s", diff)
		}
		s := node.Status
		if node.Labels[corev1.LabelHostname] != "node-1" || node.Spec.PodCIDR != "10.244.1.0/24" || len(node.Spec.Taints) != 0 ||
			s.Capacity.Cpu().Value() != 2 || s.Allocatable.Pods().Value() != 110 || s.Allocatable.Memory().Cmp(*s.Capacity.Memory()) >= 0 ||
			s.NodeInfo.ContainerRuntimeVersion != "drydock://1" || s.NodeInfo.KernelVersion == "" || s.NodeInfo.KubeletVersion != "v1.37.1" ||
			s.DaemonEndpoints.KubeletEndpoint.Port != 10250 || len(s.Images) != 1 {
			t.Errorf("node: %+v", node)
		}
	})
}

func TestHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		before := w.node().Status
		w.after(65 * time.Second)
		w.api.mu.Lock()
		renewals := w.api.renewals
		lease := w.api.lease
		w.api.mu.Unlock()
		if len(renewals) < 6 || len(renewals) > 8 {
			t.Errorf("%d renewals in 65 s, want one each 10 s", len(renewals))
		}
		if *lease.Spec.HolderIdentity != "node-1" || *lease.Spec.LeaseDurationSeconds != 40 || lease.OwnerReferences[0].UID != "node-uid" {
			t.Errorf("lease: %+v", lease)
		}
		if diff := cmp.Diff(before.Conditions, w.node().Status.Conditions); diff != "" {
			t.Errorf("a quiet node's status was written again:\n%s", diff)
		}
		w.after(5 * time.Minute)
		if cmp.Equal(before.Conditions, w.node().Status.Conditions) {
			t.Error("the status was not refreshed after five minutes")
		}
	})
}

func TestNodeTellsOfItsRuntime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		set := func(notReady bool) {
			w.runtime.mu.Lock()
			w.runtime.notReady = notReady
			w.runtime.mu.Unlock()
			w.after(11 * time.Second)
		}
		set(true)
		node := w.node()
		if got := conditionsOf(node)["Ready"]; got != "False KubeletNotReady" {
			t.Errorf("Ready is %s", got)
		}
		message := node.Status.Conditions[3].Message
		if want := "container runtime network not ready: NetworkReady=false reason:NoCable message:it is cut"; message != want {
			t.Errorf("message %q, want %q", message, want)
		}
		set(false)
		if got := conditionsOf(w.node())["Ready"]; got != "True KubeletReady" {
			t.Errorf("Ready is %s", got)
		}
		for _, want := range []string{"Normal NodeNotReady: Node node-1 status is now: NodeNotReady", "Normal NodeReady: Node node-1 status is now: NodeReady"} {
			if !w.hasEvent(want) {
				t.Errorf("no Event %q in %q", want, w.api.told())
			}
		}
		if n := len(w.node().Status.Addresses); n != 2 {
			t.Errorf("%d addresses after patches", n)
		}
	})
}

// An extended resource is written into the capacity by a person; the kubelet makes it allocatable, and takes it away again.
func TestExtendedResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer func() { w.stop() }()
		const dongles = corev1.ResourceName("example.com/dongle")
		for _, test := range []struct{ patch, want string }{
			{`{"status":{"capacity":{"example.com/dongle":"4"}}}`, "4"},
			{`{"status":{"capacity":{"example.com/dongle":"5"}}}`, "5"},
			{`{"status":{"capacity":{"example.com/dongle":null}}}`, ""},
		} {
			if _, err := w.api.PatchNode(t.Context(), "node-1", []byte(test.patch)); err != nil {
				t.Fatal(err)
			}
			w.after(time.Minute)
			got := ""
			if q, ok := w.node().Status.Allocatable[dongles]; ok {
				got = q.String()
			}
			if got != test.want {
				t.Errorf("after %s %q is allocatable", test.patch, got)
			}
			if cpu := w.node().Status.Allocatable.Cpu(); cpu.IsZero() {
				t.Errorf("after %s no CPU is allocatable", test.patch)
			}
		}
	})
}

func TestRestartedKubeletKeepsForeignLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.stop()
		w.api.node.Labels = map[string]string{"disk": "ssd"}
		w.start()
		defer func() { w.stop() }()
		if l := w.node().Labels; l["disk"] != "ssd" || l[corev1.LabelHostname] != "node-1" {
			t.Errorf("labels: %v", l)
		}
	})
}

func TestStatusShowsSandboxDuringLongPull(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.pullTakes = time.Minute
		w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.Containers[0].Image = "far/away:1" }))
		w.after(time.Second)
		w.expect("web", "Pending/ContainerCreating")
		s := w.status("web")
		if s.PodIP == "" || s.Conditions[0].Type != corev1.PodReadyToStartContainers || s.Conditions[0].Status != corev1.ConditionTrue {
			t.Errorf("podIP %q, conditions %+v", s.PodIP, s.Conditions)
		}
		// A deletion does not wait for the pull.
		w.delete("web", 30)
		w.after(time.Second)
		if w.api.pod("default", "web") != nil {
			t.Error("the pod is still there")
		}
		for _, event := range w.api.told() {
			if strings.Contains(event, "Failed") {
				t.Errorf("being deleted is no failure: %s", event)
			}
		}
	})
}

func TestPreStopHookUsesGrace(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 10}}}
		}))
		synctest.Wait()
		w.delete("web", 30)
		w.after(9 * time.Second)
		if got := w.runtime.running(); len(got) != 1 {
			t.Errorf("stopped before its hook was done: %v", got)
		}
		w.after(2 * time.Second)
		if calls := w.runtime.called(); calls[3] != "stop main 20s" {
			t.Errorf("calls %v: want the grace period less the hook's time", calls)
		}
	})
}
