package scheduler

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"drydock/engine/scheduler/configuration"
)

// In the package: a hint's answer to one event can be seen from outside only as an attempt that does or does not take place.

type (
	podChange  func(*corev1.Pod)
	nodeChange func(*corev1.Node)
)

func hintPod(changes ...podChange) *podInfo {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", Labels: map[string]string{}}}
	pod.Spec.Containers = []corev1.Container{{Name: "c"}}
	for _, change := range changes {
		change(pod)
	}
	return newPodInfo(pod)
}

func hintNode(changes ...nodeChange) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{}}}
	node.Status.Allocatable = amount("4", "4Gi", "110")
	for _, change := range changes {
		change(node)
	}
	return node
}

func amount(cpu, memory, pods string) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory), corev1.ResourcePods: resource.MustParse(pods),
	}
}

func asksFor(cpu, memory string) podChange {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		}
	}
}

func isCalled(key, value string) podChange {
	return func(p *corev1.Pod) { p.Labels[key] = value }
}

func wantsPort(port int32) podChange {
	return func(p *corev1.Pod) { p.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: port}} }
}

func bears(key string) podChange {
	return func(p *corev1.Pod) {
		p.Spec.Tolerations = append(p.Spec.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists})
	}
}

func spreads(app string, honorTaints bool) podChange {
	policy := corev1.NodeInclusionPolicyIgnore
	if honorTaints {
		policy = corev1.NodeInclusionPolicyHonor
	}
	return func(p *corev1.Pod) {
		p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule, NodeTaintsPolicy: &policy,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}},
		})
	}
}

func nearOrFar(near bool, app string) podChange {
	terms := []corev1.PodAffinityTerm{{TopologyKey: "zone", LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}}}
	return func(p *corev1.Pod) {
		if near {
			p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		} else {
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		}
	}
}

func has(key, value string) nodeChange {
	return func(n *corev1.Node) { n.Labels[key] = value }
}

func keepsOff(key string) nodeChange {
	return func(n *corev1.Node) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: corev1.TaintEffectNoSchedule})
	}
}

func closedNode(n *corev1.Node) { n.Spec.Unschedulable = true }

func offers(cpu, memory, pods string) nodeChange {
	return func(n *corev1.Node) { n.Status.Allocatable = amount(cpu, memory, pods) }
}

// Events, as the handlers make them.
func nodeCame(changes ...nodeChange) event { return event{what: nodeAdded, node: hintNode(changes...)} }

func nodeWent(changes ...nodeChange) event {
	n := hintNode(changes...)
	return event{what: nodeGone, before: n, node: n}
}

func nodeTurned(before, after *corev1.Node) event { return nodeEvent(before, after) }

func podCame(changes ...podChange) event { return event{what: podPlaced, pod: hintPod(changes...)} }

func podWent(changes ...podChange) event { return event{what: podGone, oldPod: hintPod(changes...)} }

func podTurned(before, after *podInfo) event { return placedEvent(before, after) }

type hintCase struct {
	name  string
	pod   *podInfo
	event event
	want  bool
}

// TestHints: which event makes a plugin look at a pod again that it has refused, as upstream's isSchedulableAfter functions decide it.
func TestHints(t *testing.T) {
	zoneA, zoneB := hintNode(has("zone", "a")), hintNode(has("zone", "b"))
	for _, plugin := range []struct {
		filter
		tests []hintCase
	}{
		{nodeName{}, []hintCase{
			{"a node", hintPod(), nodeWent(), false},
		}},
		{nodeUnschedulable{}, []hintCase{
			{"open node came", hintPod(), nodeCame(), true},
			{"closed node came", hintPod(), nodeCame(closedNode), false},
			{"node opened", hintPod(), nodeTurned(hintNode(closedNode), hintNode()), true},
			{"node closed", hintPod(), nodeTurned(hintNode(), hintNode(closedNode)), false},
			{"bears it now", hintPod(bears(corev1.TaintNodeUnschedulable)), ownEvent(hintPod(), hintPod(bears(corev1.TaintNodeUnschedulable))), true},
			{"bears something else", hintPod(bears("x")), ownEvent(hintPod(), hintPod(bears("x"))), false},
			{"a pod went", hintPod(), podWent(), false},
		}},
		{taintToleration{}, []hintCase{
			{"free node came", hintPod(), nodeCame(), true},
			{"tainted node came", hintPod(), nodeCame(keepsOff("x")), false},
			{"tainted node came that it bears", hintPod(bears("x")), nodeCame(keepsOff("x")), true},
			{"last taint went", hintPod(), nodeTurned(hintNode(keepsOff("x")), hintNode()), true},
			{"one of two taints went", hintPod(), nodeTurned(hintNode(keepsOff("x"), keepsOff("y")), hintNode(keepsOff("y"))), false},
			{"another label", hintPod(), nodeTurned(hintNode(keepsOff("x")), hintNode(keepsOff("x"), has("k", "v"))), false},
			{"bears something new", hintPod(bears("x")), ownEvent(hintPod(), hintPod(bears("x"))), true},
			{"other labels of its own", hintPod(isCalled("a", "b")), ownEvent(hintPod(), hintPod(isCalled("a", "b"))), false},
		}},
		{nodeAffinity{}, []hintCase{
			{"node came without the label", hintPod(selects("disk", "ssd")), nodeCame(), false},
			{"node came with it", hintPod(selects("disk", "ssd")), nodeCame(has("disk", "ssd")), true},
			{"node got it", hintPod(selects("disk", "ssd")), nodeTurned(hintNode(), hintNode(has("disk", "ssd"))), true},
			{"node has it still", hintPod(selects("disk", "ssd")), nodeTurned(hintNode(has("disk", "ssd")), hintNode(has("disk", "ssd"), has("x", "y"))), false},
			{"node lost it", hintPod(selects("disk", "ssd")), nodeTurned(hintNode(has("disk", "ssd")), hintNode()), false},
		}},
		{nodePorts{}, []hintCase{
			{"node came", hintPod(wantsPort(80)), nodeCame(), true},
			{"the port went", hintPod(wantsPort(80)), podWent(wantsPort(80)), true},
			{"another port went", hintPod(wantsPort(80)), podWent(wantsPort(81)), false},
			{"a pod without ports went", hintPod(wantsPort(80)), podWent(), false},
			{"node changed", hintPod(wantsPort(80)), nodeTurned(hintNode(keepsOff("x")), hintNode()), false},
		}},
		{resourcesFit{}, []hintCase{
			{"large node came", hintPod(asksFor("3", "1Gi")), nodeCame(), true},
			{"small node came", hintPod(asksFor("8", "1Gi")), nodeCame(), false},
			{"node grew where it matters", hintPod(asksFor("3", "1Gi")), nodeTurned(hintNode(offers("2", "4Gi", "110")), hintNode()), true},
			{"node grew, not enough", hintPod(asksFor("8", "1Gi")), nodeTurned(hintNode(offers("2", "4Gi", "110")), hintNode()), false},
			{"node shrank", hintPod(asksFor("1", "1Gi")), nodeTurned(hintNode(), hintNode(offers("2", "4Gi", "110"))), false},
			{"node takes more pods", hintPod(), nodeTurned(hintNode(), hintNode(offers("4", "4Gi", "200"))), true},
			{"node grew in what it does not want", hintPod(), nodeTurned(hintNode(), hintNode(offers("8", "4Gi", "110"))), false},
			{"node cordoned", hintPod(asksFor("1", "1Gi")), nodeTurned(hintNode(), hintNode(closedNode)), false},
			{"a pod went", hintPod(asksFor("1", "1Gi")), podWent(), true},
			{"a pod came", hintPod(asksFor("1", "1Gi")), podCame(), false},
			{"a pod shrank", hintPod(asksFor("1", "1Gi")), podTurned(hintPod(asksFor("2", "1Gi")), hintPod(asksFor("1", "1Gi"))), true},
			{"a pod shrank in what it does not want", hintPod(asksFor("0", "1Gi")), podTurned(hintPod(asksFor("2", "1Gi")), hintPod(asksFor("1", "1Gi"))), false},
			{"a pod grew", hintPod(asksFor("1", "1Gi")), podTurned(hintPod(asksFor("1", "1Gi")), hintPod(asksFor("2", "1Gi"))), false},
			{"it asks for less", hintPod(asksFor("1", "1Gi")), ownEvent(hintPod(asksFor("2", "1Gi")), hintPod(asksFor("1", "1Gi"))), true},
			{"it asks for more", hintPod(asksFor("2", "1Gi")), ownEvent(hintPod(asksFor("1", "1Gi")), hintPod(asksFor("2", "1Gi"))), false},
		}},
		{podTopologySpread{}, []hintCase{
			{"counted pod came", hintPod(spreads("web", false)), podCame(isCalled("app", "web")), true},
			{"another pod came", hintPod(spreads("web", false)), podCame(isCalled("app", "db")), false},
			{"counted pod went", hintPod(spreads("web", false)), podWent(isCalled("app", "web")), true},
			{"another pod went", hintPod(spreads("web", false)), podWent(isCalled("app", "db")), false},
			{"a pod counts now", hintPod(spreads("web", false)), podTurned(hintPod(), hintPod(isCalled("app", "web"))), true},
			{
				"a pod counts for the other constraint now", hintPod(spreads("web", false), spreads("db", false)),
				podTurned(hintPod(isCalled("app", "web")), hintPod(isCalled("app", "db"))), true,
			},
			{"a pod counts as before", hintPod(spreads("web", false)), podTurned(hintPod(), hintPod(isCalled("x", "y"))), false},
			{"node of a zone came", hintPod(spreads("web", false)), nodeCame(has("zone", "a")), true},
			{"node of no zone came", hintPod(spreads("web", false)), nodeCame(), false},
			{"node of a zone went", hintPod(spreads("web", false)), nodeWent(has("zone", "a")), true},
			{"node moved", hintPod(spreads("web", false)), nodeTurned(zoneA, zoneB), true},
			{"node left its zone", hintPod(spreads("web", false)), nodeTurned(zoneA, hintNode()), true},
			{"node's taint went", hintPod(spreads("web", false)), nodeTurned(hintNode(has("zone", "a"), keepsOff("x")), zoneA), true},
			{"node of no zone lost a taint", hintPod(spreads("web", false)), nodeTurned(hintNode(keepsOff("x")), hintNode()), false},
			{"it counts itself now", hintPod(spreads("web", false), isCalled("app", "web")), ownEvent(hintPod(spreads("web", false)), hintPod(spreads("web", false), isCalled("app", "web"))), true},
			{"other labels of its own", hintPod(spreads("web", false), isCalled("x", "y")), ownEvent(hintPod(spreads("web", false)), hintPod(spreads("web", false), isCalled("x", "y"))), false},
			{"bears more, and taints count", hintPod(spreads("web", true), bears("x")), ownEvent(hintPod(spreads("web", true)), hintPod(spreads("web", true), bears("x"))), true},
			{"bears more, and taints do not count", hintPod(spreads("web", false), bears("x")), ownEvent(hintPod(spreads("web", false)), hintPod(spreads("web", false), bears("x"))), false},
		}},
		{interPodAffinity{}, []hintCase{
			{"wanted pod came", hintPod(nearOrFar(true, "db")), podCame(isCalled("app", "db")), true},
			{"another pod came", hintPod(nearOrFar(true, "db")), podCame(isCalled("app", "web")), false},
			{"wanted pod went", hintPod(nearOrFar(true, "db")), podWent(isCalled("app", "db")), false},
			{"feared pod came", hintPod(nearOrFar(false, "db")), podCame(isCalled("app", "x")), false},
			{"feared pod went", hintPod(nearOrFar(false, "db")), podWent(isCalled("app", "db")), true},
			{"pod went that feared it", hintPod(isCalled("app", "web")), podWent(nearOrFar(false, "web")), true},
			{"pod went that feared others", hintPod(isCalled("app", "web")), podWent(nearOrFar(false, "x")), false},
			{"a pod became one that is wanted", hintPod(nearOrFar(true, "db")), podTurned(hintPod(), hintPod(isCalled("app", "db"))), true},
			{"a pod is no longer feared", hintPod(nearOrFar(false, "db")), podTurned(hintPod(isCalled("app", "db")), hintPod()), true},
			{"a pod became one that is feared", hintPod(nearOrFar(false, "db")), podTurned(hintPod(), hintPod(isCalled("app", "db"))), false},
			{"node came", hintPod(nearOrFar(false, "db")), nodeCame(), true},
			{"node of a zone came", hintPod(nearOrFar(true, "db")), nodeCame(has("zone", "a")), true},
			{"node of no zone came", hintPod(nearOrFar(true, "db")), nodeCame(), false},
			{"node moved", hintPod(nearOrFar(true, "db")), nodeTurned(zoneA, zoneB), true},
			{"node left its zone, wanted", hintPod(nearOrFar(true, "db")), nodeTurned(zoneA, hintNode()), false},
			{"node left its zone, feared", hintPod(nearOrFar(false, "db")), nodeTurned(zoneA, hintNode()), true},
			{"node got a zone, wanted", hintPod(nearOrFar(true, "db")), nodeTurned(hintNode(), zoneA), true},
			{"node got a zone, feared", hintPod(nearOrFar(false, "db")), nodeTurned(hintNode(), zoneA), false},
			{"another label", hintPod(nearOrFar(true, "db")), nodeTurned(zoneA, hintNode(has("zone", "a"), has("x", "y"))), false},
			{"other labels of its own", hintPod(isCalled("a", "b")), ownEvent(hintPod(), hintPod(isCalled("a", "b"))), true},
		}},
	} {
		for _, test := range plugin.tests {
			t.Run(plugin.Name()+"/"+test.name, func(t *testing.T) {
				if got := plugin.Helps(test.pod, test.event); got != test.want {
					t.Errorf("helps: %t, want %t", got, test.want)
				}
			})
		}
	}
}

// TestHintsOfGates: only the last gate's end wakes a gated pod.
func TestHintsOfGates(t *testing.T) {
	gated := func(names ...string) *podInfo {
		p := hintPod()
		for _, name := range names {
			p.Spec.SchedulingGates = append(p.Spec.SchedulingGates, corev1.PodSchedulingGate{Name: name})
		}
		return p
	}
	i := &item{pod: gated("one", "two"), waits: waits{gated: true}}
	for _, test := range []struct {
		name string
		e    event
		want bool
	}{
		{"a node", nodeCame(), false},
		{"one of two", ownEvent(gated("one", "two"), gated("two")), false},
		{"the last", ownEvent(gated("two"), gated()), true},
		{"other labels", ownEvent(gated("two"), hintPod(isCalled("x", "y"))), true}, // which has no gate either
	} {
		if got := i.helps(test.e); got != test.want {
			t.Errorf("%s: helps %t, want %t", test.name, got, test.want)
		}
	}
}

// registered is what upstream's EventsToRegister name: an event that is not there is not even asked about.
var registered = map[string]change{
	"NodeName":           nodeAdded,
	"NodeUnschedulable":  nodeAdded | nodeCordon | ownTolerations,
	"TaintToleration":    nodeAdded | nodeTaints | ownTolerations,
	"NodeAffinity":       nodeAdded | nodeLabels,
	"NodePorts":          nodeAdded | podGone,
	"NodeResourcesFit":   nodeAdded | nodeResources | podGone | podShrunk | ownShrunk,
	"PodTopologySpread":  nodeAdded | nodeGone | nodeLabels | nodeTaints | podPlaced | podGone | podLabels | ownLabels | ownTolerations,
	"VolumeBinding":      nodeAdded | nodeLabels | storageChanged,
	"VolumeZone":         nodeAdded | nodeLabels | storageChanged,
	"VolumeRestrictions": nodeAdded | podGone | storageChanged,
	"InterPodAffinity":   nodeAdded | nodeLabels | podPlaced | podGone | podLabels | ownLabels,
}

// TestHintsOfOtherEvents: no plugin wakes a pod for an event that upstream's does not listen to.
func TestHintsOfOtherEvents(t *testing.T) {
	pod := hintPod(asksFor("1", "1Gi"), isCalled("app", "web"), spreads("web", true), nearOrFar(true, "web"), wantsPort(80))
	node := hintNode(has("zone", "a"))
	factory := informers.NewSharedInformerFactory(fake.NewClientset(), 0)
	for _, f := range filters(configuration.Profile{}, factory, newVolumes(factory)) {
		listens, known := registered[f.Name()]
		if !known {
			t.Errorf("what upstream's %s listens to is not in the table", f.Name())
			continue
		}
		for what := nodeAdded; what <= ownShrunk; what <<= 1 {
			e := event{what: what, before: hintNode(), node: node, oldPod: pod, pod: pod}
			if listens&what == 0 && f.Helps(pod, e) {
				t.Errorf("%s wakes a pod for change %b", f.Name(), what)
			}
		}
	}
}

func selects(key, value string) podChange {
	return func(p *corev1.Pod) { p.Spec.NodeSelector = labels.Set{key: value} }
}
