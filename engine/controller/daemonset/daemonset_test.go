package daemonset_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/daemonset"
)

var ctx = context.Background()

func newSet(mends ...func(*appsv1.DaemonSet)) *appsv1.DaemonSet {
	limit, one, none := int32(10), intstr.FromInt32(1), intstr.FromInt32(0)
	labels := map[string]string{"app": "logs"}
	ds := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "logs", UID: "logs-uid"},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels}, RevisionHistoryLimit: &limit,
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
				Type:          appsv1.RollingUpdateDaemonSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &one, MaxSurge: &none},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "logs", Image: "logs:1"}}},
			},
		},
	}
	for _, mend := range mends {
		mend(ds)
	}
	return ds
}

func node(name string, mends ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	for _, mend := range mends {
		mend(n)
	}
	return n
}

type lab struct {
	*controllertest.Cluster
	t       *testing.T
	kubelet *controllertest.Kubelet
}

func start(t *testing.T, objects ...runtime.Object) *lab {
	t.Helper()
	c := controllertest.New(t, objects...)
	dc, err := daemonset.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{c, t, c.NewKubelet()}
	c.Start(dc, l.kubelet)
	l.Settle()
	return l
}

func (l *lab) set() *appsv1.DaemonSet {
	l.t.Helper()
	return controllertest.Get(l.t, l.Client.AppsV1().DaemonSets("default"), "logs")
}

func (l *lab) edit(change func(*appsv1.DaemonSet)) {
	l.t.Helper()
	controllertest.Edit(l.t, l.Client.AppsV1().DaemonSets("default"), "logs", change)
	l.Settle()
}

func (l *lab) editNode(name string, change func(*corev1.Node)) {
	l.t.Helper()
	controllertest.Edit(l.t, l.Client.CoreV1().Nodes(), name, change)
	l.Settle()
}

// pods are "node image", sorted.
func (l *lab) wantPods(want ...string) {
	l.t.Helper()
	var got []string
	for _, pod := range l.pods() {
		terms := pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
		got = append(got, terms[0].MatchFields[0].Values[0]+" "+pod.Spec.Containers[0].Image)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("pods (-want +got):\n%s", diff)
	}
}

func (l *lab) pods() []corev1.Pod {
	l.t.Helper()
	list, err := l.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return list.Items
}

func (l *lab) reasons() []string {
	l.t.Helper()
	list, err := l.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	var reasons []string
	for _, e := range list.Items {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

func TestOnePodOnEachNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newSet(), node("a"), node("b"))
		l.wantPods("a logs:1", "b logs:1")
		pod := l.pods()[0]
		var keys []string
		for _, toleration := range pod.Spec.Tolerations {
			keys = append(keys, fmt.Sprintf("%s:%s", strings.TrimPrefix(toleration.Key, "node.kubernetes.io/"), toleration.Effect))
		}
		want := []string{
			"not-ready:NoExecute", "unreachable:NoExecute", "disk-pressure:NoSchedule", "memory-pressure:NoSchedule",
			"pid-pressure:NoSchedule", "unschedulable:NoSchedule",
		}
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Errorf("tolerations (-want +got):\n%s", diff)
		}
		if pod.GenerateName != "logs-" || pod.Labels["controller-revision-hash"] == "" || !metav1.IsControlledBy(&pod, l.set()) {
			t.Errorf("pod %+v", pod.ObjectMeta)
		}
		wantStatus := appsv1.DaemonSetStatus{
			CurrentNumberScheduled: 2, DesiredNumberScheduled: 2, NumberReady: 2, ObservedGeneration: 1, UpdatedNumberScheduled: 2, NumberAvailable: 2,
		}
		if diff := cmp.Diff(wantStatus, l.set().Status); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if _, err := l.Client.CoreV1().Nodes().Create(ctx, node("c"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantPods("a logs:1", "b logs:1", "c logs:1")
	})
}

func TestNodesThatFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ssd := func(n *corev1.Node) { n.Labels["disk"] = "ssd" }
		taint := func(effect corev1.TaintEffect) func(*corev1.Node) {
			return func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: "own", Effect: effect}} }
		}
		l := start(t, newSet(func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.NodeSelector = map[string]string{"disk": "ssd"} }),
			node("a", ssd), node("b"), node("c", ssd, taint(corev1.TaintEffectNoSchedule)), node("d", ssd))
		l.wantPods("a logs:1", "d logs:1")
		l.editNode("b", ssd)
		l.wantPods("a logs:1", "b logs:1", "d logs:1")
		l.editNode("a", func(n *corev1.Node) { delete(n.Labels, "disk") })
		l.wantPods("b logs:1", "d logs:1")
		l.editNode("b", taint(corev1.TaintEffectNoSchedule)) // it may stay
		l.wantPods("b logs:1", "d logs:1")
		if s := l.set().Status; s.NumberMisscheduled != 1 || s.DesiredNumberScheduled != 1 {
			t.Errorf("status %+v", s)
		}
		l.editNode("b", taint(corev1.TaintEffectNoExecute))
		l.wantPods("d logs:1")
	})
}

func image(name string) func(*appsv1.DaemonSet) {
	return func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.Containers[0].Image = name }
}

func TestRollingUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newSet(), node("a"), node("b"), node("c"))
		l.kubelet.Unready(func(pod *corev1.Pod) bool { return pod.Spec.Containers[0].Image == "broken" })
		l.edit(image("broken"))
		l.Advance(time.Minute)
		if s := l.set().Status; s.NumberAvailable != 2 || s.UpdatedNumberScheduled != 1 || s.NumberUnavailable != 1 {
			t.Errorf("a broken rollout goes on: %+v", s)
		}
		l.edit(image("logs:2"))
		l.Advance(time.Minute)
		l.wantPods("a logs:2", "b logs:2", "c logs:2")
		revisions, err := l.Client.AppsV1().ControllerRevisions("default").List(ctx, metav1.ListOptions{})
		if err != nil || len(revisions.Items) != 3 {
			t.Errorf("%d revisions, %v; want 3", len(revisions.Items), err)
		}
		l.edit(image("logs:1")) // an undo
		l.Advance(time.Minute)
		l.wantPods("a logs:1", "b logs:1", "c logs:1")
		revisions, _ = l.Client.AppsV1().ControllerRevisions("default").List(ctx, metav1.ListOptions{})
		var numbers []int64
		for _, r := range revisions.Items {
			numbers = append(numbers, r.Revision)
		}
		slices.Sort(numbers)
		if diff := cmp.Diff([]int64{2, 3, 4}, numbers); diff != "" {
			t.Errorf("revisions (-want +got):\n%s", diff)
		}
		l.edit(func(ds *appsv1.DaemonSet) { *ds.Spec.RevisionHistoryLimit = 1 })
		if revisions, _ = l.Client.AppsV1().ControllerRevisions("default").List(ctx, metav1.ListOptions{}); len(revisions.Items) != 2 {
			t.Errorf("%d revisions, want the current one and one old", len(revisions.Items))
		}
	})
}

func TestSurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newSet(func(ds *appsv1.DaemonSet) {
			one, none := intstr.FromInt32(1), intstr.FromInt32(0)
			ds.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateDaemonSet{MaxSurge: &one, MaxUnavailable: &none}
			ds.Spec.MinReadySeconds = 10
		}), node("a"), node("b"))
		l.Advance(11 * time.Second)
		l.edit(image("logs:2"))
		l.Advance(5 * time.Second)
		l.wantPods("a logs:1", "a logs:2", "b logs:1")
		for range 40 {
			l.Advance(time.Second)
			if s := l.set().Status; s.NumberAvailable < 2 {
				t.Fatalf("a node was without an available pod: %+v", s)
			}
		}
		l.wantPods("a logs:2", "b logs:2")
	})
}

func TestOnDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newSet(func(ds *appsv1.DaemonSet) {
			ds.Spec.UpdateStrategy = appsv1.DaemonSetUpdateStrategy{Type: appsv1.OnDeleteDaemonSetStrategyType}
		}), node("a"))
		l.edit(image("logs:2"))
		l.Advance(time.Minute)
		l.wantPods("a logs:1")
		if err := l.Client.CoreV1().Pods("default").Delete(ctx, l.pods()[0].Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Advance(time.Second)
		l.wantPods("a logs:2")
	})
}

// TestFailedPods are deleted and made again, with growing pauses.
func TestFailedPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newSet(), node("a"))
		seen := map[string]bool{}
		for range 60 {
			pods := l.pods()
			if len(pods) == 1 && pods[0].Status.Phase == corev1.PodRunning {
				seen[pods[0].Name] = true
				pods[0].Status.Phase = corev1.PodFailed
				if _, err := l.Client.CoreV1().Pods("default").UpdateStatus(ctx, &pods[0], metav1.UpdateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			l.Advance(time.Second)
		}
		if len(seen) < 4 || len(seen) > 8 {
			t.Errorf("%d pods were made in a minute", len(seen))
		}
		if !slices.Contains(l.reasons(), "FailedDaemonPod") {
			t.Errorf("events %q", l.reasons())
		}
	})
}

// TestConverges changes nodes and templates while watches lose and repeat events.
func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newSet(), node("a"), node("b"), node("c"), node("d"))
		l.Lossy(seed)
		for i := range 20 {
			l.edit(image(fmt.Sprintf("logs:%d", i)))
			l.editNode(string(rune('a'+i%4)), func(n *corev1.Node) {
				if n.Spec.Taints = nil; i%3 == 0 {
					n.Spec.Taints = []corev1.Taint{{Key: "own", Effect: corev1.TaintEffectNoExecute}}
				}
			})
			if pods := l.pods(); i%5 == 0 && len(pods) > 0 {
				_ = l.Client.CoreV1().Pods("default").Delete(ctx, pods[0].Name, metav1.DeleteOptions{})
			}
			l.Advance(time.Second)
		}
		l.Reliable()
		for _, name := range []string{"a", "b", "c", "d"} {
			l.editNode(name, func(n *corev1.Node) { n.Spec.Taints = nil })
		}
		l.Advance(time.Hour) // longer than any expectation
		l.wantPods("a logs:19", "b logs:19", "c logs:19", "d logs:19")
		if s := l.set().Status; s.NumberAvailable != 4 || s.UpdatedNumberScheduled != 4 {
			t.Errorf("status %+v", s)
		}
	})
}
