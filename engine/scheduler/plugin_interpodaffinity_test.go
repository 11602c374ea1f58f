package scheduler_test

import (
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func app(name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Labels = map[string]string{"app": name} }
}

func term(name, key string) corev1.PodAffinityTerm {
	return corev1.PodAffinityTerm{TopologyKey: key, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}}
}

func near(terms ...corev1.PodAffinityTerm) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
	}
}

func awayFrom(terms ...corev1.PodAffinityTerm) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
	}
}

func ratherNear(t corev1.PodAffinityTerm) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: t}},
		}}
	}
}

func ratherAwayFrom(t corev1.PodAffinityTerm) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: t}},
		}}
	}
}

func in(namespace string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Namespace = namespace } }

const host, zone = corev1.LabelHostname, corev1.LabelTopologyZone

func TestInterPodAffinity(t *testing.T) {
	elsewhere := term("db", host)
	elsewhere.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "data"}}
	data := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "data", Labels: map[string]string{"team": "data"}}}
	none := " preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
	decides(t, []decided{
		{
			name:    "near",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("db", app("db"), on("b"), requests("1", "1Gi"))},
			pod:     newPod("web", near(term("db", host))), node: "b",
		},
		{
			name:    "near nobody",
			objects: []runtime.Object{newNode("a"), newPod("other", app("other"), on("a"))},
			pod:     newPod("web", near(term("db", host))),
			message: "0/1 nodes are available: 1 node(s) didn't match pod affinity rules." + unhelpful(1),
		},
		{
			name:    "the first of its group",
			objects: []runtime.Object{newNode("a")},
			pod:     newPod("web", app("web"), near(term("web", host))), node: "a",
		},
		{
			name:    "same zone",
			objects: []runtime.Object{newNode("a", labelled(zone, "z")), newNode("b"), newNode("c", labelled(zone, "z"), cordoned), newPod("db", app("db"), on("c"))},
			pod:     newPod("web", near(term("db", zone))), node: "a",
		},
		{
			name:    "other namespaces do not count",
			objects: []runtime.Object{newNode("a"), data, newPod("db", app("db"), in("data"), on("a"))},
			pod:     newPod("web", near(term("db", host))),
			message: "0/1 nodes are available: 1 node(s) didn't match pod affinity rules." + unhelpful(1),
		},
		{
			name:    "unless selected",
			objects: []runtime.Object{newNode("a"), data, newPod("db", app("db"), in("data"), on("a"))},
			pod:     newPod("web", near(elsewhere)), node: "a",
		},
		{
			name:    "away",
			objects: []runtime.Object{newNode("a"), newPod("db", app("db"), on("a"))},
			pod:     newPod("web", awayFrom(term("db", host))),
			message: "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules." + none,
		},
		{
			name:    "not welcome",
			objects: []runtime.Object{newNode("a"), newPod("db", awayFrom(term("web", host)), on("a"))},
			pod:     newPod("web", app("web")),
			message: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules." + none,
		},
		{
			name:    "rather near",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("db", app("db"), on("b"), requests("500m", "1Gi"))},
			pod:     newPod("web", ratherNear(term("db", host))), node: "b",
		},
		{
			name:    "rather away",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("db", app("db"), on("b")), newPod("x", on("a"), requests("500m", "1Gi"))},
			pod:     newPod("web", ratherAwayFrom(term("db", host))), node: "a",
		},
		{
			name:    "wanted by those who are there",
			objects: []runtime.Object{newNode("a"), newNode("b"), newPod("db", ratherNear(term("web", host)), on("b"), requests("500m", "1Gi"))},
			pod:     newPod("web", app("web")), node: "b",
		},
	})
}

// TestAntiAffinityWakesUp: the pod goes when the pod it must not meet has gone, and is not tried for others' sake.
func TestAntiAffinityWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newNode("a"), newPod("db", app("db"), on("a")), newPod("other", on("a")), newPod("web", awayFrom(term("db", host))))
		now := int64(0)
		for _, step := range []struct{ gone, node string }{{"other", ""}, {"db", "a"}} {
			if err := c.Client.CoreV1().Pods("default").Delete(ctx, step.gone, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
				t.Fatal(err)
			}
			c.Settle()
			if got := get(t, c, "web").Spec.NodeName; got != step.node {
				t.Errorf("after %s has gone: on node %q, want %q", step.gone, got, step.node)
			}
		}
		if texts := events(t, c, "web"); len(texts) != 2 {
			t.Errorf("events %q, want one refusal and one assignment", texts)
		}
	})
}
