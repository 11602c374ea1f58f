package conformance_test

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
)

func (r *room) template(name string, spec corev1.PodSpec) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name}}, Spec: spec}
}

func selector(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
}

func (r *room) sets() appsv1client.ReplicaSetInterface { return r.AppsV1().ReplicaSets(r.ns) }

func (r *room) replicaSet(name string, replicas int32) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{ObjectMeta: r.meta(name), Spec: appsv1.ReplicaSetSpec{
		Replicas: &replicas, Selector: selector(name), Template: r.template(name, server(web)),
	}}
}

func ownedBy(kind string, pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == kind
}

func TestReplicaSetServesOnEachReplica(t *testing.T) {
	r := enter(t)
	must(r.sets().Create(r.ctx, r.replicaSet("web", 2), metav1.CreateOptions{}))(r)
	for _, pod := range r.awaitReady("app=web", 2) {
		r.answers(pod, "/hostname", pod.Name)
	}
}

// answers asks a pod through the API server's proxy.
func (r *room) answers(pod *corev1.Pod, path, want string) {
	r.Helper()
	got := string(must(r.pods().ProxyGet("http", pod.Name, "8080", path, nil).DoRaw(r.ctx))(r))
	if got != want+"\n" {
		r.Errorf("%s of %s: %q, want %q", path, pod.Name, got, want)
	}
}

func TestReplicaSetAdoptsAndReleases(t *testing.T) {
	r := enter(t)
	r.pod("web", server(web))
	must(r.sets().Create(r.ctx, r.replicaSet("web", 1), metav1.CreateOptions{}))(r)
	r.awaitPod("web", func(p *corev1.Pod) bool { return ownedBy("ReplicaSet", p) })
	patch(r, r.pods(), "web", label("app", "other"))
	r.awaitPod("web", func(p *corev1.Pod) bool { return metav1.GetControllerOf(p) == nil })
	r.awaitReady("app=web", 1)
}

// scales changes a kind's number of replicas through its scale subresource.
func (r *room) scales(name string, c interface {
	GetScale(ctx context.Context, name string, opts metav1.GetOptions) (*autoscalingv1.Scale, error)
	UpdateScale(ctx context.Context, name string, scale *autoscalingv1.Scale, opts metav1.UpdateOptions) (*autoscalingv1.Scale, error)
}, replicas func() int32, patchScale func(),
) {
	r.Helper()
	scale := must(c.GetScale(r.ctx, name, metav1.GetOptions{}))(r)
	if scale.Spec.Replicas != 1 {
		r.Errorf("scale says %d replicas, want 1", scale.Spec.Replicas)
	}
	scale.ResourceVersion, scale.Spec.Replicas = "", 2
	scale = must(c.UpdateScale(r.ctx, name, scale, metav1.UpdateOptions{}))(r)
	if scale.Spec.Replicas != 2 || replicas() != 2 {
		r.Errorf("after the update: scale %d, object %d; want 2", scale.Spec.Replicas, replicas())
	}
	patchScale()
	if n := replicas(); n != 4 {
		r.Errorf("after the patch: %d replicas, want 4", n)
	}
}

var fourReplicas = map[string]any{"spec": map[string]any{"replicas": 4}}

func TestReplicaSetScale(t *testing.T) {
	r := enter(t)
	must(r.sets().Create(r.ctx, r.replicaSet("web", 1), metav1.CreateOptions{}))(r)
	r.scales("web", r.sets(), func() int32 { return *must(r.sets().Get(r.ctx, "web", metav1.GetOptions{}))(r).Spec.Replicas },
		func() { patch(r, r.sets(), "web", fourReplicas, "scale") })
	r.awaitReady("app=web", 4)
}

func TestReplicaSetReplaceAndPatch(t *testing.T) {
	r := enter(t)
	must(r.sets().Create(r.ctx, r.replicaSet("web", 1), metav1.CreateOptions{}))(r)
	r.awaitReady("app=web", 1)
	change(r, r.sets(), "web", func(s *appsv1.ReplicaSet) {
		s.Spec.Replicas = new(int32(2))
		s.Spec.Template.Spec.Containers[0].Image = web2
	})
	r.awaitReady("app=web", 2)
	patch(r, r.sets(), "web", map[string]any{"metadata": map[string]any{"labels": map[string]any{"step": "patched"}}, "spec": map[string]any{"replicas": 3}})
	s := await(r, r.sets(), "web", func(s *appsv1.ReplicaSet) bool { return s.Status.ReadyReplicas == 3 })
	if s.Labels["step"] != "patched" || s.Status.ObservedGeneration != s.Generation {
		r.Errorf("labels %v, generation %d, observed %d", s.Labels, s.Generation, s.Status.ObservedGeneration)
	}
}

func TestReplicaSetCollection(t *testing.T) {
	r := enter(t)
	collection(r, r.sets(), func(name string) *appsv1.ReplicaSet { return r.replicaSet(name, 1) })
}

func TestReplicaSetStatus(t *testing.T) {
	r := enter(t)
	must(r.sets().Create(r.ctx, r.replicaSet("web", 1), metav1.CreateOptions{}))(r)
	r.awaitReady("app=web", 1)
	keepsConditions(r, r.sets(), "web", func(s *appsv1.ReplicaSet) (kinds []string) {
		for _, c := range s.Status.Conditions {
			kinds = append(kinds, string(c.Type))
		}
		return kinds
	}, func(s *appsv1.ReplicaSet, kind string) {
		s.Status.Conditions = append(s.Status.Conditions, appsv1.ReplicaSetCondition{Type: appsv1.ReplicaSetConditionType(kind), Status: corev1.ConditionTrue})
	})
}

// An older form of the same.

func (r *room) controller(name string, replicas int32) *corev1.ReplicationController {
	template := r.template(name, server(web))
	return &corev1.ReplicationController{ObjectMeta: r.meta(name), Spec: corev1.ReplicationControllerSpec{
		Replicas: &replicas, Selector: map[string]string{"app": name}, Template: &template,
	}}
}

func TestReplicationControllerServesOnEachReplica(t *testing.T) {
	r := enter(t)
	must(r.CoreV1().ReplicationControllers(r.ns).Create(r.ctx, r.controller("web", 2), metav1.CreateOptions{}))(r)
	for _, pod := range r.awaitReady("app=web", 2) {
		r.answers(pod, "/hostname", pod.Name)
	}
}

func TestReplicationControllerAdoptsAndReleases(t *testing.T) {
	r := enter(t)
	r.pod("web", server(web))
	must(r.CoreV1().ReplicationControllers(r.ns).Create(r.ctx, r.controller("web", 1), metav1.CreateOptions{}))(r)
	r.awaitPod("web", func(p *corev1.Pod) bool { return ownedBy("ReplicationController", p) })
	patch(r, r.pods(), "web", label("app", "other"))
	r.awaitPod("web", func(p *corev1.Pod) bool { return metav1.GetControllerOf(p) == nil })
	r.awaitReady("app=web", 1)
}

func TestReplicationControllerScale(t *testing.T) {
	r := enter(t)
	c := r.CoreV1().ReplicationControllers(r.ns)
	must(c.Create(r.ctx, r.controller("web", 1), metav1.CreateOptions{}))(r)
	r.scales("web", c, func() int32 { return *must(c.Get(r.ctx, "web", metav1.GetOptions{}))(r).Spec.Replicas },
		func() { patch(r, c, "web", fourReplicas, "scale") })
	r.awaitReady("app=web", 4)
}

func TestReplicationControllerSaysThatAQuotaIsExceeded(t *testing.T) {
	r := enter(t)
	quota := &corev1.ResourceQuota{ObjectMeta: r.meta("two"), Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2")},
	}}
	must(r.CoreV1().ResourceQuotas(r.ns).Create(r.ctx, quota, metav1.CreateOptions{}))(r)
	await(r, r.CoreV1().ResourceQuotas(r.ns), "two", func(q *corev1.ResourceQuota) bool { return q.Status.Hard.Pods().Value() == 2 })
	c := r.CoreV1().ReplicationControllers(r.ns)
	must(c.Create(r.ctx, r.controller("web", 3), metav1.CreateOptions{}))(r)
	failing := func(rc *corev1.ReplicationController) bool {
		return len(rc.Status.Conditions) == 1 && rc.Status.Conditions[0].Type == corev1.ReplicationControllerReplicaFailure
	}
	await(r, c, "web", failing)
	change(r, c, "web", func(rc *corev1.ReplicationController) { rc.Spec.Replicas = new(int32(2)) })
	await(r, c, "web", func(rc *corev1.ReplicationController) bool { return !failing(rc) })
}

func TestReplicationControllerLifecycle(t *testing.T) {
	r := enter(t)
	c := r.CoreV1().ReplicationControllers(r.ns)
	lifecycle(r, c, r.controller("one", 1))
	must(c.Create(r.ctx, r.controller("web", 1), metav1.CreateOptions{}))(r)
	await(r, c, "web", func(rc *corev1.ReplicationController) bool { return rc.Status.ReadyReplicas == 1 })
	patched := patch(r, c, "web", map[string]any{"status": map[string]any{"availableReplicas": 0, "readyReplicas": 0}}, "status")
	if patched.Status.ReadyReplicas != 0 {
		r.Errorf("status after the patch: %+v", patched.Status)
	}
	r.ok(c.DeleteCollection(r.ctx, metav1.DeleteOptions{}, labelled("app=web")))
	gone[*corev1.ReplicationController](r, c, labelled("app=web"))
}

func TestControllerRevisionLifecycle(t *testing.T) {
	r := enter(t)
	c := r.AppsV1().ControllerRevisions(r.ns)
	make := func(name string) *appsv1.ControllerRevision {
		return &appsv1.ControllerRevision{ObjectMeta: r.meta(name), Revision: 3, Data: runtime.RawExtension{Raw: []byte(`{"spec":{}}`)}}
	}
	lifecycle(r, c, make("first"))
	collection(r, c, make)
}
