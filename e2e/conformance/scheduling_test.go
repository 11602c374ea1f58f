package conformance_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// scarce gives a node n of a resource that only this test knows, so that the tests do not meet.
func (r *room) scarce(node string, n int) corev1.ResourceName {
	r.Helper()
	name := corev1.ResourceName("example.com/" + r.ns)
	data := must(json.Marshal([]any{map[string]any{
		"op": "add", "path": "/status/capacity/" + strings.ReplaceAll(string(name), "/", "~1"), "value": strconv.Itoa(n),
	}}))(r)
	must(r.CoreV1().Nodes().Patch(r.ctx, node, types.JSONPatchType, data, metav1.PatchOptions{}, "status"))(r)
	await(r, r.CoreV1().Nodes(), node, func(node *corev1.Node) bool {
		q := node.Status.Allocatable[name]
		return q.Value() == int64(n)
	})
	return name
}

func asking(spec corev1.PodSpec, name corev1.ResourceName, n string) corev1.PodSpec {
	spec.Containers[0].Resources.Requests = corev1.ResourceList{name: resource.MustParse(n)}
	spec.Containers[0].Resources.Limits = spec.Containers[0].Resources.Requests
	return spec
}

// refused waits until a pod has been found unschedulable, for a reason that contains a text.
func (r *room) refused(name, why string) {
	r.Helper()
	r.awaitPod(name, func(p *corev1.Pod) bool {
		c := condition(p, corev1.PodScheduled)
		return c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable && strings.Contains(c.Message, why)
	})
}

func TestSchedulingWithinWhatNodesHave(t *testing.T) {
	r := enter(t)
	name := r.scarce("node-1", 3)
	r.pod("two", asking(server(web), name, "2"))
	r.awaitPod("two", ready)
	r.pod("more", asking(server(web), name, "2"))
	r.refused("more", "3 Insufficient "+string(name))
	// And so does the node's own CPU.
	r.pod("greedy", asking(server(web), corev1.ResourceCPU, "1000"))
	r.refused("greedy", "3 Insufficient cpu")
	r.ok(r.pods().Delete(r.ctx, "two", metav1.DeleteOptions{}))
	r.awaitPod("more", ready)
}

func TestSchedulingByNodeSelector(t *testing.T) {
	r := enter(t)
	picky := server(web)
	picky.NodeSelector = map[string]string{r.ns: "here"}
	r.pod("web", picky)
	r.refused("web", "3 node(s) didn't match Pod's node affinity/selector")
	r.labelNode("node-3", "here")
	if pod := r.awaitPod("web", ready); pod.Spec.NodeName != "node-3" {
		r.Errorf("the pod is on %s", pod.Spec.NodeName)
	}
}

func TestSchedulingOfHostPorts(t *testing.T) {
	r := enter(t)
	onPort := func(address string, protocol corev1.Protocol) corev1.PodSpec {
		spec := server(web)
		spec.NodeSelector = map[string]string{corev1.LabelHostname: "node-2"}
		spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080, HostPort: 21018, HostIP: address, Protocol: protocol}}
		return spec
	}
	r.pod("everywhere", onPort("", corev1.ProtocolTCP))
	r.awaitPod("everywhere", ready)
	r.pod("one-address", onPort("172.30.0.12", corev1.ProtocolTCP))
	r.pod("udp", onPort("", corev1.ProtocolUDP))
	r.refused("one-address", "1 node(s) didn't have free ports for the requested pod ports")
	r.awaitPod("udp", ready)
}

// priorities makes two classes, which belong to nobody's namespace.
func (r *room) priorities() (low, high string) {
	r.Helper()
	low, high = r.ns+"-low", r.ns+"-high"
	for name, value := range map[string]int32{low: 1, high: 1000} {
		class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
		must(r.SchedulingV1().PriorityClasses().Create(r.ctx, class, metav1.CreateOptions{}))(r)
		r.Cleanup(func() {
			_ = theLab.client.SchedulingV1().PriorityClasses().Delete(r.background(), name, metav1.DeleteOptions{}) // the lab ends soon
		})
	}
	return low, high
}

func ranked(spec corev1.PodSpec, class string) corev1.PodSpec {
	spec.PriorityClassName = class
	return spec
}

func TestPreemptionTellsItsVictim(t *testing.T) {
	r := enter(t)
	name := r.scarce("node-1", 2)
	low, high := r.priorities()
	// It bears its end for a moment, so that its condition can be seen.
	victim := ranked(asking(sh("trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"), name, "1"), low)
	victim.TerminationGracePeriodSeconds = new(int64(5))
	r.pod("victim", victim)
	r.pod("equal", ranked(asking(server(web), name, "1"), high))
	r.awaitPod("victim", running)
	r.awaitPod("equal", ready)
	w := must(r.pods().Watch(r.ctx, named("victim")))(r)
	defer w.Stop()
	r.pod("important", ranked(asking(server(web), name, "1"), high))
	told := false
	for e := range w.ResultChan() {
		c := condition(e.Object.(*corev1.Pod), corev1.DisruptionTarget)
		told = told || c.Status == corev1.ConditionTrue && c.Reason == corev1.PodReasonPreemptionByScheduler
		if e.Type == watch.Deleted {
			break
		}
	}
	if !told {
		r.Error("the victim was not told")
	}
	r.awaitPod("important", ready)
	r.awaitPod("equal", ready)
}

func TestPreemptionByACriticalPod(t *testing.T) {
	r := enter(t)
	name := r.scarce("node-2", 1)
	low, _ := r.priorities()
	r.pod("victim", ranked(asking(server(web), name, "1"), low))
	r.awaitPod("victim", ready)
	critical := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "critical-" + r.ns}, Spec: ranked(asking(server(web), name, "1"), "system-cluster-critical")}
	system := r.CoreV1().Pods(metav1.NamespaceSystem)
	must(system.Create(r.ctx, critical, metav1.CreateOptions{}))(r)
	r.Cleanup(func() {
		_ = theLab.client.CoreV1().Pods(metav1.NamespaceSystem).Delete(r.background(), critical.Name, metav1.DeleteOptions{}) // the lab ends soon
	})
	gone[*corev1.Pod](r, r.pods(), named("victim"))
	await(r, system, critical.Name, ready)
}

// Each of three sets takes its room from those below it.
func TestPreemptionAmongReplicaSets(t *testing.T) {
	r := enter(t)
	name := r.scarce("node-3", 4)
	low, high := r.priorities()
	make := func(set, class string, n int32) {
		s := r.replicaSet(set, n)
		s.Spec.Template.Spec = ranked(asking(server(web), name, "1"), class)
		must(r.sets().Create(r.ctx, s, metav1.CreateOptions{}))(r)
	}
	make("low", low, 3)
	r.awaitReady("app=low", 3)
	make("high", high, 3)
	await(r, r.sets(), "high", func(s *appsv1.ReplicaSet) bool { return s.Status.ReadyReplicas == 3 })
	await(r, r.sets(), "low", func(s *appsv1.ReplicaSet) bool { return s.Status.ReadyReplicas == 1 && s.Status.Replicas == 3 })
}

func TestPriorityClassOperations(t *testing.T) {
	r := enter(t)
	c := r.SchedulingV1().PriorityClasses()
	class := func(name string) *schedulingv1.PriorityClass {
		return &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: r.ns + "-" + name}, Value: 7}
	}
	lifecycle(r, c, class("life"))
	must(c.Create(r.ctx, class("fixed"), metav1.CreateOptions{}))(r)
	if _, err := c.Patch(r.ctx, r.ns+"-fixed", types.MergePatchType, []byte(`{"value":8}`), metav1.PatchOptions{}); err == nil {
		r.Error("the value of a class can be changed")
	}
	r.ok(c.Delete(r.ctx, r.ns+"-fixed", metav1.DeleteOptions{}))
}

func TestLimitRangeGivesDefaults(t *testing.T) {
	r := enter(t)
	c := r.CoreV1().LimitRanges(r.ns)
	list := func(cpu string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
	}
	must(c.Create(r.ctx, &corev1.LimitRange{ObjectMeta: r.meta("sizes"), Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
		Type: corev1.LimitTypeContainer, Min: list("50m"), Max: list("500m"), Default: list("400m"), DefaultRequest: list("100m"),
	}}}}, metav1.CreateOptions{}))(r)
	pod := r.pod("plain", server(web))
	got := pod.Spec.Containers[0].Resources
	if got.Requests.Cpu().String() != "100m" || got.Limits.Cpu().String() != "400m" {
		r.Errorf("defaults: %v", got)
	}
	partly := server(web)
	partly.Containers[0].Resources.Limits = list("300m")
	if got := r.pod("partly", partly).Spec.Containers[0].Resources; got.Requests.Cpu().String() != "300m" {
		r.Errorf("a limit alone: %v", got)
	}
	for name, cpu := range map[string]string{"small": "10m", "large": "600m"} {
		if _, err := r.pods().Create(r.ctx, &corev1.Pod{ObjectMeta: r.meta(name), Spec: asking(server(web), corev1.ResourceCPU, cpu)}, metav1.CreateOptions{}); err == nil {
			r.Errorf("a %s pod is taken", name)
		}
	}
	change(r, c, "sizes", func(l *corev1.LimitRange) { l.Spec.Limits[0].Min = list("5m") })
	r.pod("small", asking(server(web), corev1.ResourceCPU, "10m"))
}

func TestLimitRangeLifecycle(t *testing.T) {
	r := enter(t)
	c := r.CoreV1().LimitRanges(r.ns)
	make := func(name string) *corev1.LimitRange {
		return &corev1.LimitRange{ObjectMeta: r.meta(name), Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypePod, Max: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
		}}}}
	}
	lifecycle(r, c, make("one"))
	collection(r, c, make)
}

// Another scheduler: whoever posts a Binding. Until then the pod waits, and nobody says why.
func TestAnotherSchedulerBinds(t *testing.T) {
	r := enter(t)
	spec := server(web)
	spec.SchedulerName = "by-hand"
	r.pod("web", spec)
	r.pod("after", server(web))
	r.awaitPod("after", ready) // the default scheduler has been at work since
	if pod := must(r.pods().Get(r.ctx, "web", metav1.GetOptions{}))(r); pod.Spec.NodeName != "" || len(pod.Status.Conditions) != 0 {
		r.Errorf("it is on %q with %v", pod.Spec.NodeName, pod.Status.Conditions)
	}
	r.ok(r.pods().Bind(r.ctx, &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Target: corev1.ObjectReference{Kind: "Node", Name: "node-2"}}, metav1.CreateOptions{}))
	r.awaitPod("web", ready)
}

func TestSchedulingGatesAndLabelKeys(t *testing.T) {
	r := enter(t)
	spec := server(web)
	spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/wait"}}
	spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: &metav1.LabelSelector{}, MatchLabelKeys: []string{"app"},
	}}
	pod := r.pod("web", spec)
	if c := condition(pod, corev1.PodScheduled); c.Reason != corev1.PodReasonSchedulingGated {
		r.Errorf("condition of a new pod: %+v", c)
	}
	if s := pod.Spec.TopologySpreadConstraints[0].LabelSelector; len(s.MatchExpressions) != 1 || s.MatchExpressions[0].Key != "app" {
		r.Errorf("selector of a new pod: %v", s)
	}
	patch(r, r.pods(), "web", map[string]any{"spec": map[string]any{"schedulingGates": nil}})
	r.awaitPod("web", ready)
}
