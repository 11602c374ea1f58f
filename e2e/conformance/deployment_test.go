package conformance_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
)

func (r *room) deployments() appsv1client.DeploymentInterface { return r.AppsV1().Deployments(r.ns) }

func (r *room) deployment(name string, replicas int32, edits ...func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: r.meta(name), Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: selector(name), Template: r.template(name, server(web)),
	}}
	for _, edit := range edits {
		edit(d)
	}
	return d
}

func (r *room) deploy(d *appsv1.Deployment) {
	r.Helper()
	must(r.deployments().Create(r.ctx, d, metav1.CreateOptions{}))(r)
	r.rolledOut(d.Name)
}

// rolledOut waits until a deployment's newest template runs everywhere and nothing else does.
func (r *room) rolledOut(name string) *appsv1.Deployment {
	r.Helper()
	return await(r, r.deployments(), name, func(d *appsv1.Deployment) bool {
		s := d.Status
		return s.ObservedGeneration == d.Generation && s.UpdatedReplicas == *d.Spec.Replicas &&
			s.Replicas == s.UpdatedReplicas && s.AvailableReplicas == s.Replicas
	})
}

func (r *room) image(name, image string) {
	r.Helper()
	change(r, r.deployments(), name, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = image })
}

// replicaSets waits until the sets of a deployment have these numbers of replicas, by image; sets without any may stay.
func (r *room) replicaSets(name string, want map[string]int32) {
	r.Helper()
	awaitAll(r, r.sets(), labelled("app="+name), func(sets []*appsv1.ReplicaSet) bool {
		have := map[string]int32{}
		for _, s := range sets {
			have[s.Spec.Template.Spec.Containers[0].Image] += *s.Spec.Replicas
		}
		for image, n := range want {
			if have[image] != n {
				return false
			}
		}
		return true
	})
}

func TestDeploymentRollingUpdateReplacesPods(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 2))
	r.image("web", web2)
	r.rolledOut("web")
	r.replicaSets("web", map[string]int32{web: 0, web2: 2})
	for _, pod := range r.awaitReady("app=web", 2) {
		r.answers(pod, "/version", "2")
	}
}

// A set that matches is adopted, and becomes the old set of a rolling update.
func TestDeploymentAdoptsAReplicaSet(t *testing.T) {
	r := enter(t)
	set := r.replicaSet("web", 1)
	must(r.sets().Create(r.ctx, set, metav1.CreateOptions{}))(r)
	r.awaitReady("app=web", 1)
	r.deploy(r.deployment("web", 1, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = web2 }))
	set = await(r, r.sets(), "web", func(s *appsv1.ReplicaSet) bool { return *s.Spec.Replicas == 0 })
	if owner := metav1.GetControllerOf(set); owner == nil || owner.Kind != "Deployment" {
		r.Errorf("the owner of the old set is %v", owner)
	}
}

func TestDeploymentRecreate(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 2, func(d *appsv1.Deployment) { d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType }))
	old := map[string]bool{}
	for _, pod := range r.awaitReady("app=web", 2) {
		old[pod.Name] = true
	}
	w := must(r.pods().Watch(r.ctx, labelled("app=web")))(r)
	defer w.Stop()
	r.image("web", web2)
	for e := range w.ResultChan() {
		pod := e.Object.(*corev1.Pod)
		if e.Type == "DELETED" {
			delete(old, pod.Name)
		} else if pod.Spec.Containers[0].Image == web2 {
			if len(old) > 0 {
				r.Errorf("%s is here while %v are", pod.Name, old)
			}
			break
		}
	}
	r.rolledOut("web")
}

func TestDeploymentDeletesOldReplicaSets(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 1, func(d *appsv1.Deployment) { d.Spec.RevisionHistoryLimit = new(int32) }))
	r.image("web", web2)
	r.rolledOut("web")
	awaitAll(r, r.sets(), labelled("app=web"), func(sets []*appsv1.ReplicaSet) bool { return len(sets) == 1 })
}

func TestDeploymentRollover(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 1, func(d *appsv1.Deployment) {
		d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromInt32(1)), MaxUnavailable: new(intstr.FromInt32(0))}
	}))
	r.image("web", "drydock/no-such:1")
	r.replicaSets("web", map[string]int32{web: 1, "drydock/no-such:1": 1})
	r.image("web", web2)
	r.rolledOut("web")
	r.replicaSets("web", map[string]int32{web: 0, "drydock/no-such:1": 0, web2: 1})
}

// The replicas that are added go to the old and the new set in proportion to their sizes.
func TestDeploymentProportionalScaling(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 10, func(d *appsv1.Deployment) {
		d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromInt32(3)), MaxUnavailable: new(intstr.FromInt32(2))}
	}))
	r.image("web", "drydock/no-such:1")
	r.replicaSets("web", map[string]int32{web: 8, "drydock/no-such:1": 5})
	change(r, r.deployments(), "web", func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(20)) })
	// 20 + 3 pods; 10 more than now: 8/13 of them is 6.15, 5/13 is 3.85.
	r.replicaSets("web", map[string]int32{web: 14, "drydock/no-such:1": 9})
}

func TestDeploymentScale(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 1))
	r.scales("web", r.deployments(), func() int32 { return *must(r.deployments().Get(r.ctx, "web", metav1.GetOptions{}))(r).Spec.Replicas },
		func() { patch(r, r.deployments(), "web", fourReplicas, "scale") })
}

func TestDeploymentLifecycle(t *testing.T) {
	r := enter(t)
	lifecycle(r, r.deployments(), r.deployment("one", 1))
	collection(r, r.deployments(), func(name string) *appsv1.Deployment { return r.deployment(name, 0) })
}

func TestDeploymentStatus(t *testing.T) {
	r := enter(t)
	r.deploy(r.deployment("web", 1))
	keepsConditions(r, r.deployments(), "web", func(d *appsv1.Deployment) (kinds []string) {
		for _, c := range d.Status.Conditions {
			kinds = append(kinds, string(c.Type))
		}
		return kinds
	}, func(d *appsv1.Deployment, kind string) {
		d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{Type: appsv1.DeploymentConditionType(kind), Status: corev1.ConditionTrue})
	})
}
