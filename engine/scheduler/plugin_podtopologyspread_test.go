package scheduler_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

func spread(key string, mends ...func(*corev1.TopologySpreadConstraint)) func(*corev1.Pod) {
	c := corev1.TopologySpreadConstraint{
		MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
	}
	for _, mend := range mends {
		mend(&c)
	}
	return func(p *corev1.Pod) { p.Spec.TopologySpreadConstraints = append(p.Spec.TopologySpreadConstraints, c) }
}

func soft(c *corev1.TopologySpreadConstraint) { c.WhenUnsatisfiable = corev1.ScheduleAnyway }

func TestPodTopologySpread(t *testing.T) {
	web := func(name, node string, mends ...func(*corev1.Pod)) *corev1.Pod {
		return newPod(name, append(mends, app("web"), on(node))...)
	}
	owned := func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "u", Controller: ptr.To(true)}}
	}
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "u"}}
	set.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	const uneven = "node(s) didn't match pod topology spread constraints"
	small := newNode("b", func(n *corev1.Node) {
		n.Status.Allocatable = quantities("1", "1Gi")
		n.Status.Allocatable["pods"] = n.Status.Allocatable["cpu"]
	})
	decides(t, []decided{
		{
			name:    "even",
			objects: []runtime.Object{newNode("a"), newNode("b"), web("x", "a"), newPod("y", on("b"), requests("1500m", "3Gi"))},
			pod:     newPod("web", app("web"), spread(host)), node: "b",
		},
		{
			name:    "the empty node is full",
			objects: []runtime.Object{newNode("a"), small, web("x", "a"), newPod("y", on("b"))},
			pod:     newPod("web", app("web"), spread(host)),
			message: "0/2 nodes are available: 1 Too many pods, 1 " + uneven + ". " +
				"preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
		},
		{
			name:    "more skew allowed",
			objects: []runtime.Object{newNode("a"), small, web("x", "a"), newPod("y", on("b"))},
			pod:     newPod("web", app("web"), spread(host, func(c *corev1.TopologySpreadConstraint) { c.MaxSkew = 2 })), node: "a",
		},
		{
			name:    "soft",
			objects: []runtime.Object{newNode("a"), small, web("x", "a"), newPod("y", on("b"))},
			pod:     newPod("web", app("web"), spread(host, soft)), node: "a",
		},
		{
			name:    "soft prefers",
			objects: []runtime.Object{newNode("a"), newNode("b"), web("x", "a"), newPod("y", on("b"), requests("500m", "1Gi"))},
			pod:     newPod("web", app("web"), spread(host, soft)), node: "b",
		},
		{
			name:    "no label",
			objects: []runtime.Object{newNode("a")},
			pod:     newPod("web", app("web"), spread(zone)),
			message: "0/1 nodes are available: 1 " + uneven + " (missing required label)." + unhelpful(1),
		},
		{
			name:    "too few domains",
			objects: []runtime.Object{newNode("a"), newPod("y"), web("x", "a")},
			pod:     newPod("web", app("web"), spread(host, func(c *corev1.TopologySpreadConstraint) { c.MinDomains = ptr.To(int32(2)) })),
			message: "0/1 nodes are available: 1 " + uneven + ". preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
		},
		{
			name:    "nodes it may not go to do not count",
			objects: []runtime.Object{newNode("a", labelled("disk", "ssd")), newNode("b"), web("x", "a")},
			pod:     newPod("web", app("web"), spread(host), selects("disk", "ssd")), node: "a",
		},
		{
			name:    "unless they shall",
			objects: []runtime.Object{newNode("a", labelled("disk", "ssd")), newNode("b"), web("x", "a")},
			pod: newPod("web", app("web"), selects("disk", "ssd"), spread(host, func(c *corev1.TopologySpreadConstraint) {
				c.NodeAffinityPolicy = ptr.To(corev1.NodeInclusionPolicyIgnore)
			})),
			message: "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 " + uneven + ". preemption: " +
				"0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
		},
		{
			name:    "tainted nodes do not count when that is wanted",
			objects: []runtime.Object{newNode("a"), newNode("b", tainted("gpu", corev1.TaintEffectNoSchedule)), web("x", "a")},
			pod: newPod("web", app("web"), spread(host, func(c *corev1.TopologySpreadConstraint) {
				c.NodeTaintsPolicy = ptr.To(corev1.NodeInclusionPolicyHonor)
			})), node: "a",
		},
		{
			name:    "a ReplicaSet's pods are spread without asking",
			objects: []runtime.Object{set, newNode("a"), newNode("b"), web("x", "a", owned), newPod("y", on("b"), requests("500m", "1Gi"))},
			pod:     newPod("web", app("web"), owned), node: "b",
		},
	})
}
