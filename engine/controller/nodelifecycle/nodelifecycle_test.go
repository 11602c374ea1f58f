package nodelifecycle_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/nodelifecycle"
)

var ctx = context.Background()

type lab struct {
	*controllertest.Cluster
	t *testing.T
}

// start is node-1, ready, with a pod that tolerates an unreachable node for 30 s and one that does so for ever.
func start(t *testing.T) *lab {
	t.Helper()
	pod := func(name string, seconds *int64) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
			Spec: corev1.PodSpec{NodeName: "node-1", Tolerations: []corev1.Toleration{
				{Key: corev1.TaintNodeUnreachable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: seconds},
			}},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
		}
	}
	half := int64(30)
	renewed := metav1.NowMicro()
	c := controllertest.New(t,
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Status: corev1.NodeStatus{
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}},
		}},
		&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-node-lease", Name: "node-1"}, Spec: coordinationv1.LeaseSpec{RenewTime: &renewed}},
		pod("leaves", &half), pod("stays", nil),
	)
	nlc, err := nodelifecycle.New(c.Config(), nodelifecycle.Options{GracePeriod: 40 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c.Start(nlc, c.NewKubelet())
	c.Settle()
	return &lab{c, t}
}

func (l *lab) node() *corev1.Node {
	l.t.Helper()
	node, err := l.Client.CoreV1().Nodes().Get(ctx, "node-1", metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return node
}

// beat renews the lease every 10 s for a while.
func (l *lab) beat(d time.Duration) {
	l.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); l.Advance(10 * time.Second) {
		lease, err := l.Client.CoordinationV1().Leases("kube-node-lease").Get(ctx, "node-1", metav1.GetOptions{})
		if err != nil {
			l.t.Fatal(err)
		}
		now := metav1.NowMicro()
		lease.Spec.RenewTime = &now
		if _, err := l.Client.CoordinationV1().Leases("kube-node-lease").Update(ctx, lease, metav1.UpdateOptions{}); err != nil {
			l.t.Fatal(err)
		}
	}
	l.Settle()
}

func (l *lab) want(ready corev1.ConditionStatus, taints ...string) {
	l.t.Helper()
	node := l.node()
	if got := node.Status.Conditions[0]; got.Status != ready {
		l.t.Errorf("Ready is %+v, want %s", got, ready)
	}
	var got []string
	for _, taint := range node.Spec.Taints {
		got = append(got, taint.ToString())
	}
	if diff := cmp.Diff(taints, got); diff != "" {
		l.t.Errorf("taints (-want +got):\n%s", diff)
	}
}

func (l *lab) pod(name string) (*corev1.Pod, bool) {
	l.t.Helper()
	pod, err := l.Client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		l.t.Fatal(err)
	}
	return pod, err == nil
}

func TestSilentNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t)
		l.beat(3 * time.Minute)
		l.want(corev1.ConditionTrue)

		l.Advance(25 * time.Second) // 35 s since the last beat
		l.Settle()
		l.want(corev1.ConditionTrue)
		l.Advance(10 * time.Second)
		l.want(corev1.ConditionUnknown, "node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute")
		if got := l.node().Status.Conditions[0]; got.Reason != "NodeStatusUnknown" || got.Message != "Kubelet stopped posting node status." {
			t.Errorf("Ready is %+v", got)
		}
		if pod, _ := l.pod("stays"); controller.Ready(pod) {
			t.Error("a pod on a silent node counts as ready")
		}
		if _, ok := l.pod("leaves"); !ok {
			t.Error("the pod was evicted before its 30 s were over")
		}

		l.Advance(35 * time.Second)
		if pod, ok := l.pod("leaves"); ok {
			t.Errorf("the pod is still there: %+v", pod.ObjectMeta)
		}
		if _, ok := l.pod("stays"); !ok {
			t.Error("a pod that tolerates the taint for ever was evicted")
		}
		events, err := l.Client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, e := range events.Items {
			texts = append(texts, e.Reason+": "+e.Message)
		}
		for _, want := range []string{
			"RegisteredNode: Node node-1 event: Registered Node node-1 in Controller",
			"NodeNotReady: Node node-1 status is now: NodeNotReady",
			"NodeNotReady: Node is not ready",
			"TaintManagerEviction: Marking for deletion Pod default/leaves",
		} {
			if !slices.Contains(texts, want) {
				t.Errorf("no event %q in %q", want, texts)
			}
		}

		node := l.node() // the kubelet comes back
		node.Status.Conditions[0].Status, node.Status.Conditions[0].LastHeartbeatTime = corev1.ConditionTrue, metav1.Now()
		if _, err := l.Client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.beat(time.Minute)
		l.want(corev1.ConditionTrue)
	})
}

// TestUserTaint: taints of others stay, and a NoExecute taint of a user evicts at once.
func TestUserTaint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t)
		node := l.node()
		node.Spec.Unschedulable = true
		node.Spec.Taints = []corev1.Taint{{Key: "maintenance", Effect: corev1.TaintEffectNoExecute}}
		if _, err := l.Client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.want(corev1.ConditionTrue, "maintenance:NoExecute", "node.kubernetes.io/unschedulable:NoSchedule")
		for _, name := range []string{"leaves", "stays"} {
			if _, ok := l.pod(name); ok {
				t.Errorf("pod %s tolerates the user's taint", name)
			}
		}
	})
}

// TestTolerationSeconds: each pod bears a taint for as long as it says, and a taint that goes in time costs nothing.
func TestTolerationSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t)
		tolerant := func(name string, seconds ...int64) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: corev1.PodSpec{NodeName: "node-1"}}
			for _, s := range seconds {
				pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
					Key: "maintenance", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &s,
				})
			}
			if _, err := l.Client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		tolerant("short", 15)
		tolerant("shortest", 100, 25) // the least of them counts
		tolerant("long", 100)
		taint := func(taints ...corev1.Taint) {
			node := l.node()
			node.Spec.Taints = taints
			if _, err := l.Client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		taint(corev1.Taint{Key: "maintenance", Effect: corev1.TaintEffectNoExecute})
		for _, want := range []string{"short shortest long", "shortest long", "long"} {
			var left []string
			for _, name := range []string{"short", "shortest", "long"} {
				if _, ok := l.pod(name); ok {
					left = append(left, name)
				}
			}
			if got := strings.Join(left, " "); got != want {
				t.Errorf("left: %q, want %q", got, want)
			}
			l.beat(20 * time.Second)
		}
		taint()
		l.beat(2 * time.Minute)
		if _, ok := l.pod("long"); !ok {
			t.Error("a pod is evicted after the taint has gone")
		}
	})
}
