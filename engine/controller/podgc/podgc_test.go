package podgc_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/podgc"
)

var ctx = context.Background()

func pod(name, node string, phase corev1.PodPhase, mends ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: phase},
	}
	for _, mend := range mends {
		mend(p)
	}
	return p
}

func ending(p *corev1.Pod) {
	now := metav1.Now()
	p.DeletionTimestamp = &now
}

func node(name string, mends ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	for _, mend := range mends {
		mend(n)
	}
	return n
}

func start(t *testing.T, o podgc.Options, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t, objects...)
	gc, err := podgc.New(c.Config(), o)
	if err != nil {
		t.Fatal(err)
	}
	c.Start(gc)
	c.Settle()
	return c
}

func wantPods(t *testing.T, c *controllertest.Cluster, want ...string) {
	t.Helper()
	list, err := c.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list.Items {
		got = append(got, p.Name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("pods %q, want %q", got, want)
	}
}

func TestNodeGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, podgc.Options{}, node("a"), node("b"), pod("on-a", "a", corev1.PodRunning), pod("on-b", "b", corev1.PodRunning),
			pod("held", "a", corev1.PodRunning, func(p *corev1.Pod) { p.Finalizers = []string{"example.com/held"} }))
		if err := c.Client.CoreV1().Nodes().Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(39 * time.Second)
		wantPods(t, c, "held", "on-a", "on-b")
		c.Advance(2 * time.Second)
		wantPods(t, c, "held", "on-b")
		held, err := c.Client.CoreV1().Pods("default").Get(ctx, "held", metav1.GetOptions{})
		if err != nil || held.Status.Phase != corev1.PodFailed || held.Status.Conditions[0].Reason != "DeletionByPodGC" || held.DeletionTimestamp == nil {
			t.Errorf("the pod that is held is %+v, %v", held, err)
		}
	})
}

func TestNodeComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, podgc.Options{}, pod("early", "a", corev1.PodRunning))
		c.Advance(30 * time.Second)
		if _, err := c.Client.CoreV1().Nodes().Create(ctx, node("a"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Hour)
		wantPods(t, c, "early")
	})
}

func TestOutOfService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }
		c := start(t, podgc.Options{}, node("a", off), pod("ending", "a", corev1.PodRunning, ending), pod("runs", "a", corev1.PodRunning),
			pod("nowhere", "", corev1.PodPending, ending), pod("waits", "", corev1.PodPending))
		wantPods(t, c, "ending", "runs", "waits")
		n, err := c.Client.CoreV1().Nodes().Get(ctx, "a", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute}}
		if _, err := c.Client.CoreV1().Nodes().Update(ctx, n, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		wantPods(t, c, "runs", "waits")
	})
}

func TestThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Hour)) }
		evicted := func(p *corev1.Pod) { p.Status.Reason = "Evicted" }
		c := start(t, podgc.Options{Threshold: 2}, node("a"), pod("old", "a", corev1.PodSucceeded, old), pod("new", "a", corev1.PodFailed),
			pod("newer", "a", corev1.PodSucceeded), pod("evicted", "a", corev1.PodFailed, evicted), pod("runs", "a", corev1.PodRunning, old))
		wantPods(t, c, "new", "newer", "runs")
	})
}

func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		c := start(t, podgc.Options{}, node("a"), node("b"))
		c.Lossy(seed)
		for _, name := range []string{"1", "2", "3", "4"} {
			for _, on := range []string{"a", "b"} {
				if _, err := c.Client.CoreV1().Pods("default").Create(ctx, pod(on+name, on, corev1.PodRunning), metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			c.Advance(time.Second)
		}
		if err := c.Client.CoreV1().Nodes().Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Minute)
		c.Reliable()
		// The next listing shows what was lost; until then nothing is known.
		if _, err := c.Client.CoreV1().Nodes().Create(ctx, node("c"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Hour)
		wantPods(t, c, "b1", "b2", "b3", "b4")
	})
}
