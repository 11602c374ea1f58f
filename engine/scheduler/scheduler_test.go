package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"drydock/engine/controller/controllertest"
	"drydock/engine/scheduler"
)

var ctx = context.Background()

func quantities(cpu, memory string) corev1.ResourceList {
	list := corev1.ResourceList{}
	if cpu != "" {
		list[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		list[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return list
}

// newNode has 2 CPUs, 4 GiB and room for 10 pods, unless mended.
func newNode(name string, mends ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	n.Status.Allocatable = quantities("2", "4Gi")
	n.Status.Allocatable[corev1.ResourcePods] = resource.MustParse("10")
	for _, mend := range mends {
		mend(n)
	}
	return n
}

func newPod(name string, mends ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.PodSpec{SchedulerName: "default-scheduler", Containers: []corev1.Container{{Name: "c"}}},
	}
	for _, mend := range mends {
		mend(p)
	}
	return p
}

func requests(cpu, memory string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Requests = quantities(cpu, memory) }
}

func on(node string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.NodeName, p.Status.Phase = node, corev1.PodRunning }
}

func hostPort(port int32) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: port}} }
}

func selects(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{key: value} }
}

func tolerates(key string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists})
	}
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

func tainted(key string, effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: effect}) }
}

func labelled(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels[key] = value }
}

func start(t testing.TB, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t, objects...)
	run(t, c)
	return c
}

func run(t testing.TB, c *controllertest.Cluster) {
	t.Helper()
	s, err := scheduler.New(scheduler.Config{Client: c.Client, Informers: c.Informers, Decisions: c.Decisions})
	if err != nil {
		t.Fatal(err)
	}
	c.Start(s)
}

func get(t testing.TB, c *controllertest.Cluster, name string) *corev1.Pod {
	t.Helper()
	p, err := c.Client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func create(t testing.TB, c *controllertest.Cluster, pods ...*corev1.Pod) {
	t.Helper()
	for _, p := range pods {
		if _, err := c.Client.CoreV1().Pods("default").Create(ctx, p, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// events are "Reason: message" of the Events about a pod.
func events(t testing.TB, c *controllertest.Cluster, pod string) []string {
	t.Helper()
	list, err := c.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range list.Items {
		if e.InvolvedObject.Name == pod && e.Source.Component == "default-scheduler" {
			texts = append(texts, e.Reason+": "+e.Message)
		}
	}
	return texts
}

// unhelpful is what preemption adds when it could do nothing on any of n nodes.
func unhelpful(n int) string {
	return fmt.Sprintf(" preemption: 0/%d nodes are available: %d Preemption is not helpful for scheduling.", n, n)
}

// TestDecisions is one pod, some nodes, and where it goes or why it cannot.
func TestDecisions(t *testing.T) {
	preferred := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 10, Preference: corev1.NodeSelectorTerm{
					MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}},
				}}},
			}}
		}
	}
	decides(t, []decided{
		{
			name: "no nodes", pod: newPod("web"), message: "no nodes available to schedule pods",
		},
		{
			name:    "least allocated",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("other", on("a"), requests("1", "1Gi"))},
			pod:     newPod("web"), node: "b",
		},
		{
			name:    "pods without requests are spread too",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("other", on("a"))},
			pod:     newPod("web"), node: "b",
		},
		{
			name:    "balanced",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("x", on("a"), requests("1", "0")), newPod("y", on("b"), requests("0", "2Gi"))},
			pod:     newPod("web", requests("500m", "0")), node: "b",
		},
		{
			name:    "cordoned",
			objects: []runtime.Object{newNode("a", cordoned), newNode("b", cordoned)},
			pod:     newPod("web"), message: "0/2 nodes are available: 2 node(s) were unschedulable." + unhelpful(2),
		},
		{
			name:    "cordoned but tolerated",
			objects: []runtime.Object{newNode("a", cordoned)},
			pod:     newPod("web", tolerates(corev1.TaintNodeUnschedulable)), node: "a",
		},
		{
			name:    "tainted",
			objects: []runtime.Object{newNode("a", tainted("gpu", corev1.TaintEffectNoSchedule)), newNode("b", tainted("x", corev1.TaintEffectNoExecute))},
			pod:     newPod("web"), message: "0/2 nodes are available: 2 node(s) had untolerated taint(s)." + unhelpful(2),
		},
		{
			name:    "tolerated",
			objects: []runtime.Object{newNode("a", tainted("gpu", corev1.TaintEffectNoSchedule)), newNode("b", tainted("x", corev1.TaintEffectNoExecute))},
			pod:     newPod("web", tolerates("gpu")), node: "a",
		},
		{
			name: "soft taint",
			objects: []runtime.Object{
				newNode("a", tainted("x", corev1.TaintEffectPreferNoSchedule)), newNode("b"), newPod("other", on("b"), requests("1500m", "3Gi")),
			},
			pod: newPod("web"), node: "b",
		},
		{
			name:    "selector",
			objects: []runtime.Object{newNode("a"), newNode("b", labelled("disk", "ssd"))},
			pod:     newPod("web", selects("disk", "ssd")), node: "b",
		},
		{
			name:    "selector without a match",
			objects: []runtime.Object{newNode("a"), newNode("b")},
			pod:     newPod("web", selects("disk", "ssd")),
			message: "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector." + unhelpful(2),
		},
		{
			name:    "preferred",
			objects: []runtime.Object{newNode("a"), newNode("b", labelled("disk", "ssd")), newPod("other", on("b"), requests("1", "1Gi"))},
			pod:     newPod("web", preferred("disk", "ssd")), node: "b",
		},
		{
			name:    "ports",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("other", on("a"), hostPort(80))},
			pod:     newPod("web", hostPort(80)), node: "b",
		},
		{
			name:    "ports taken",
			objects: []runtime.Object{newNode("a"), newPod("other", on("a"), hostPort(80))},
			pod:     newPod("web", hostPort(80)),
			message: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. " +
				"preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
		},
		{
			name: "all kinds of reasons",
			objects: []runtime.Object{
				newNode("a", cordoned), newNode("b"), newNode("c"), newNode("d", func(n *corev1.Node) { n.Status.Allocatable = quantities("1", "1Gi") }),
				newPod("x", on("b"), requests("1500m", "0")), newPod("y", on("c"), requests("1500m", "3Gi")),
			},
			pod: newPod("web", requests("1500m", "2Gi")),
			message: "0/4 nodes are available: 1 Too many pods, 1 node(s) were unschedulable, 2 Insufficient memory, 3 Insufficient cpu. " +
				"preemption: 0/4 nodes are available: 2 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
		},
		{
			name:    "finished pods take no room",
			objects: []runtime.Object{newNode("a"), newPod("done", on("a"), requests("2", "4Gi"), func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })},
			pod:     newPod("web", requests("2", "4Gi")), node: "a",
		},
		{
			name:    "another scheduler's",
			objects: []runtime.Object{newNode("a")},
			pod:     newPod("web", func(p *corev1.Pod) { p.Spec.SchedulerName = "mine" }),
		},
	})
}

// decided is one pod, what is there already, and where the pod goes or why it cannot.
type decided struct {
	name    string
	objects []runtime.Object
	pod     *corev1.Pod
	node    string
	message string
}

func decides(t *testing.T, tests []decided) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, append(test.objects, test.pod)...)
				c.Settle()
				test.check(t, c)
			})
		})
	}
}

func (test decided) check(t *testing.T, c *controllertest.Cluster) {
	t.Helper()
	got := get(t, c, "web")
	if got.Spec.NodeName != test.node {
		t.Errorf("on node %q, want %q; events %q", got.Spec.NodeName, test.node, events(t, c, "web"))
	}
	var want []string
	var conditions []corev1.PodCondition
	switch {
	case test.node != "":
		want = []string{"Scheduled: Successfully assigned default/web to " + test.node}
	case test.message != "":
		want = []string{"FailedScheduling: " + test.message}
		conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: test.message, ObservedGeneration: 1,
		}}
	}
	if diff := cmp.Diff(want, events(t, c, "web")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for i := range got.Status.Conditions {
		got.Status.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	if diff := cmp.Diff(conditions, got.Status.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

// TestWakesUp: a pod that could not be scheduled goes as soon as what kept it is gone, and not because of anything else.
func TestWakesUp(t *testing.T) {
	updateNode := func(mend func(*corev1.Node)) func(*testing.T, *controllertest.Cluster) {
		return func(t *testing.T, c *controllertest.Cluster) {
			n, err := c.Client.CoreV1().Nodes().Get(ctx, "a", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			mend(n)
			if err := c.Client.Tracker().Update(corev1.SchemeGroupVersion.WithResource("nodes"), n, ""); err == nil {
				t.Fatal("the fake clientset's own tracker is in use")
			}
			patchNode(t, c, n)
		}
	}
	for _, test := range []struct {
		name   string
		change func(*testing.T, *controllertest.Cluster)
		tries  int
		node   string
	}{
		{name: "uncordon", change: updateNode(func(n *corev1.Node) { n.Spec.Unschedulable = false }), node: "a", tries: 1},
		{name: "another label", change: updateNode(func(n *corev1.Node) { n.Labels["x"] = "y" }), tries: 1},
		{name: "new node", node: "b", tries: 1, change: func(t *testing.T, c *controllertest.Cluster) {
			if _, err := c.Client.CoreV1().Nodes().Create(ctx, newNode("b"), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "toleration", node: "a", tries: 1, change: func(t *testing.T, c *controllertest.Cluster) {
			p := get(t, c, "web")
			tolerates(corev1.TaintNodeUnschedulable)(p)
			if _, err := c.Client.CoreV1().Pods("default").Update(ctx, p, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, newNode("a", cordoned), newPod("web"))
				c.Settle()
				test.change(t, c)
				c.Settle() // at once: nobody else wants to be scheduled
				if got := get(t, c, "web").Spec.NodeName; got != test.node {
					t.Errorf("on node %q, want %q", got, test.node)
				}
				failures := 0
				for _, e := range events(t, c, "web") {
					if e[:6] == "Failed" {
						failures++
					}
				}
				if failures != test.tries {
					t.Errorf("refused %d times, want %d", failures, test.tries)
				}
			})
		})
	}
}

func patchNode(t *testing.T, c *controllertest.Cluster, n *corev1.Node) {
	t.Helper()
	if _, err := c.Client.CoreV1().Nodes().Update(ctx, n, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestRoomThatBecomesFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newNode("a"), newPod("first", requests("2", "1Gi")))
		c.Settle()
		create(t, c, newPod("second", requests("1", "1Gi")))
		c.Settle()
		if got := get(t, c, "second").Spec.NodeName; got != "" {
			t.Fatalf("second is on %q although the node is full", got)
		}
		now := int64(0)
		if err := c.Client.CoreV1().Pods("default").Delete(ctx, "first", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		if got := get(t, c, "second").Spec.NodeName; got != "a" {
			t.Errorf("second is on %q, want a", got)
		}
	})
}

// TestRoomOfAResizedPod: a pod that is made smaller gives back room when its node has done it, and not before.
func TestRoomOfAResizedPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newPod("first", on("a"), requests("2", "1Gi"))
		first.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: first.Spec.Containers[0].Name, Resources: &corev1.ResourceRequirements{Requests: quantities("2", "1Gi")}}}
		c := start(t, newNode("a"), first, newPod("second", requests("1", "1Gi")))
		for _, step := range []struct {
			name   string
			resize func(*corev1.Pod)
			node   string
		}{
			{"as it was", func(*corev1.Pod) {}, ""},
			{"wanted", requests("1", "1Gi"), ""},
			{"done", func(p *corev1.Pod) { p.Status.ContainerStatuses[0].Resources.Requests = quantities("1", "1Gi") }, "a"},
		} {
			p := get(t, c, "first")
			step.resize(p)
			if _, err := c.Client.CoreV1().Pods("default").Update(ctx, p, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			c.Settle()
			if got := get(t, c, "second").Spec.NodeName; got != step.node {
				t.Errorf("%s: second is on %q, want %q", step.name, got, step.node)
			}
		}
	})
}

// TestBindingFails: the pod is taken back from the node, and tried again after a back-off.
func TestBindingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := controllertest.New(t, newNode("a"), newPod("web", requests("2", "1Gi")))
		fails := 2
		c.Client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
			if a.GetSubresource() != "binding" || fails == 0 {
				return false, nil, nil
			}
			fails--
			return true, nil, errors.New("no answer")
		})
		run(t, c)
		c.Advance(500 * time.Millisecond)
		if got := get(t, c, "web"); got.Spec.NodeName != "" || got.Status.Conditions[0].Reason != "SchedulerError" {
			t.Errorf("after the first failure: node %q, conditions %v", got.Spec.NodeName, got.Status.Conditions)
		}
		c.Advance(4 * time.Second)
		if got := get(t, c, "web").Spec.NodeName; got != "a" {
			t.Errorf("on node %q, want a", got)
		}
	})
}

// TestNeverOverCapacity creates and deletes pods and cordons nodes at random, with watches that lose and repeat events,
// and looks after every step whether a node holds more than it has. In the end every pod that fits must have a node.
func TestNeverOverCapacity(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newNode("a"), newNode("b"), newNode("c"))
		c.Lossy(seed)
		random := rand.New(rand.NewPCG(seed, 1))
		now := int64(0)
		for i := range 300 {
			switch random.IntN(5) {
			case 0, 1, 2:
				create(t, c, newPod(fmt.Sprintf("p%d", i), requests(fmt.Sprintf("%dm", random.IntN(1200)), fmt.Sprintf("%dMi", random.IntN(2000)))))
			case 3:
				_ = c.Client.CoreV1().Pods("default").Delete(ctx, fmt.Sprintf("p%d", random.IntN(i+1)), metav1.DeleteOptions{GracePeriodSeconds: &now})
			case 4:
				n, err := c.Client.CoreV1().Nodes().Get(ctx, []string{"a", "b", "c"}[random.IntN(3)], metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				n.Spec.Unschedulable = random.IntN(3) == 0
				patchNode(t, c, n)
			}
			if random.IntN(4) == 0 {
				c.Advance(time.Duration(random.IntN(3000)) * time.Millisecond)
			}
			checkCapacity(t, c)
		}
		c.Reliable()
		for _, name := range []string{"a", "b", "c"} {
			n, err := c.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			n.Spec.Unschedulable = false
			patchNode(t, c, n)
		}
		c.Advance(20 * time.Minute)
		checkNobodyWaitsInVain(t, c, checkCapacity(t, c))
	})
}

type usage struct{ cpu, memory, pods int64 }

var nodeHas = usage{cpu: 2000, memory: 4 << 30, pods: 10}

func (u *usage) add(p corev1.Pod) {
	u.cpu += p.Spec.Containers[0].Resources.Requests.Cpu().MilliValue()
	u.memory += p.Spec.Containers[0].Resources.Requests.Memory().Value()
	u.pods++
}

func (u usage) within(limit usage) bool {
	return u.cpu <= limit.cpu && u.memory <= limit.memory && u.pods <= limit.pods
}

func checkCapacity(t *testing.T, c *controllertest.Cluster) map[string]*usage {
	t.Helper()
	used := map[string]*usage{"a": {}, "b": {}, "c": {}}
	for _, p := range list(t, c) {
		if p.Spec.NodeName == "" {
			continue
		}
		if used[p.Spec.NodeName].add(p); !used[p.Spec.NodeName].within(nodeHas) {
			t.Fatalf("node %s is over capacity: %+v", p.Spec.NodeName, *used[p.Spec.NodeName])
		}
	}
	return used
}

func list(t *testing.T, c *controllertest.Cluster) []corev1.Pod {
	t.Helper()
	pods, err := c.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

func checkNobodyWaitsInVain(t *testing.T, c *controllertest.Cluster, used map[string]*usage) {
	t.Helper()
	for _, p := range list(t, c) {
		if p.Spec.NodeName != "" {
			continue
		}
		for name, u := range used {
			with := *u
			if with.add(p); with.within(nodeHas) {
				t.Errorf("pod %s waits although it would fit on node %s; events %q", p.Name, name, events(t, c, p.Name))
			}
		}
	}
}
