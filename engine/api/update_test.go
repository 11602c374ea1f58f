package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestImmutable holds upstream's words for changes that are refused. Both objects get resourceVersion 1.
func TestImmutable(t *testing.T) {
	pod := strings.Replace(goodPod, "name: web}\n", "name: web, resourceVersion: '1'}\n", 1)
	deployment := strings.Replace(goodDeployment, "name: web,", "name: web, resourceVersion: '1',", 1)
	for _, test := range []struct{ name, resource, old, from, to, want string }{
		{
			"pod command", "pods", pod, "image: drydock/web:1", "image: drydock/web:1, command: [sh]",
			"Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
				"`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
				"`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
		},
		{"deployment selector", "apps/v1/deployments", deployment, "{app: web}", "{app: other}", "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"other\"}}: field is immutable"},
		{"name", "configmaps", "metadata: {name: a, resourceVersion: '1'}", "name: a", "name: b", `metadata.name: Invalid value: "b": field is immutable`},
		{"resource version", "configmaps", "metadata: {name: a, resourceVersion: '1'}", "resourceVersion: '1'", "", "metadata.resourceVersion: Invalid value: \"\": must be specified for an update"},
		{
			"immutable config", "configmaps", "metadata: {name: a, resourceVersion: '1'}\nimmutable: true", "immutable: true", "immutable: true\ndata: {a: b}",
			"data: Forbidden: field is immutable when `immutable` is set",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := resource(t, test.resource)
			old := stored(t, r, test.old)
			obj := manifest(t, r, strings.ReplaceAll(test.old, test.from, test.to))
			_, err := r.BeforeUpdate("default", "", obj, old)
			if !errors.IsInvalid(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestGenerationCountsSpecs(t *testing.T) {
	r := resource(t, "apps/v1/deployments")
	old := stored(t, r, goodDeployment).(*appsv1.Deployment)
	old.ResourceVersion = "1"
	change := func(subresource string, edit func(d *appsv1.Deployment)) *appsv1.Deployment {
		t.Helper()
		obj := old.DeepCopy()
		edit(obj)
		if _, err := r.BeforeUpdate("default", subresource, obj, old); err != nil {
			t.Fatal(err)
		}
		return obj
	}
	if got := change("", func(d *appsv1.Deployment) { d.Labels["a"] = "b" }); got.Generation != 1 || got.Labels["a"] != "b" {
		t.Errorf("labels: generation %d, %v", got.Generation, got.Labels)
	}
	two := int32(2)
	if got := change("", func(d *appsv1.Deployment) { d.Spec.Replicas = &two; d.Status.Replicas = 7 }); got.Generation != 2 || got.Status.Replicas != 0 {
		t.Errorf("spec: generation %d, status %+v", got.Generation, got.Status)
	}
	if got := change("status", func(d *appsv1.Deployment) { d.Spec.Replicas = &two; d.Status.Replicas = 3 }); got.Generation != 1 || *got.Spec.Replicas != 3 || got.Status.Replicas != 3 {
		t.Errorf("status: generation %d, %d wanted, status %+v", got.Generation, *got.Spec.Replicas, got.Status)
	}
	if got := change("", func(d *appsv1.Deployment) { d.UID = ""; d.CreationTimestamp = metav1.Time{}; d.Generation = 9 }); got.UID != old.UID || got.CreationTimestamp != old.CreationTimestamp || got.Generation != 1 {
		t.Errorf("system fields: %+v", got.ObjectMeta)
	}
}

func TestPodStatusKeepsTheRest(t *testing.T) {
	r := resource(t, "pods")
	old := stored(t, r, goodPod).(*corev1.Pod)
	old.ResourceVersion = "1"
	obj := old.DeepCopy()
	obj.Spec.NodeName, obj.Status = "node-1", corev1.PodStatus{Phase: corev1.PodRunning}
	obj.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "n", UID: "1"}}
	if _, err := r.BeforeUpdate("default", "status", obj, old); err != nil {
		t.Fatal(err)
	}
	want := old.DeepCopy()
	want.Status.Phase = corev1.PodRunning
	if diff := cmp.Diff(want, obj); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := r.BeforeUpdate("default", "log", obj, old); !errors.IsMethodNotSupported(err) {
		t.Errorf("update of pods/log: %v", err)
	}
}

func TestNamespaceFinalize(t *testing.T) {
	r := resource(t, "namespaces")
	old := stored(t, r, "metadata: {name: team}").(*corev1.Namespace)
	old.ResourceVersion = "1"
	emptied := old.DeepCopy()
	emptied.Spec.Finalizers = nil
	plain := emptied.DeepCopy()
	if _, err := r.BeforeUpdate("", "", plain, old); err != nil || r.Finalized(plain) {
		t.Errorf("a plain update took the finalizer away (%v)", err)
	}
	if _, err := r.BeforeUpdate("", "finalize", emptied, old); err != nil || !r.Finalized(emptied) {
		t.Errorf("finalize did not take the finalizer away (%v)", err)
	}
	r.MarkTerminating(old)
	if old.Status.Phase != corev1.NamespaceTerminating {
		t.Errorf("phase %s", old.Status.Phase)
	}
}

func TestServiceForgetsItsOldType(t *testing.T) {
	r := resource(t, "services")
	old := stored(t, r, "metadata: {name: a}\nspec: {type: NodePort, ports: [{port: 80}]}").(*corev1.Service)
	old.ResourceVersion = "1"
	old.Spec.ClusterIP, old.Spec.ClusterIPs = "10.96.0.9", []string{"10.96.0.9"}
	old.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	single := corev1.IPFamilyPolicySingleStack
	old.Spec.IPFamilyPolicy = &single
	old.Spec.Ports[0].NodePort = 30080
	plain := old.DeepCopy()
	plain.Spec.Type = corev1.ServiceTypeClusterIP
	if _, err := r.BeforeUpdate("default", "", plain, old); err != nil {
		t.Fatal(err)
	}
	if plain.Spec.Ports[0].NodePort != 0 || plain.Spec.ExternalTrafficPolicy != "" || plain.Spec.ClusterIP != "10.96.0.9" {
		t.Errorf("cluster ip: %+v", plain.Spec)
	}
	name := old.DeepCopy()
	name.Spec.Type, name.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
	if _, err := r.BeforeUpdate("default", "", name, old); err != nil {
		t.Fatal(err)
	}
	if name.Spec.ClusterIP != "" || name.Spec.ClusterIPs != nil || name.Spec.IPFamilies != nil {
		t.Errorf("external name: %+v", name.Spec)
	}
}

func TestGracePeriod(t *testing.T) {
	r := resource(t, "pods")
	pod := stored(t, r, goodPod).(*corev1.Pod)
	period := func(p *corev1.Pod, options *metav1.DeleteOptions) int64 {
		seconds, graceful := r.GracePeriod(p, options)
		if !graceful {
			t.Error("pods are deleted gracefully")
		}
		return seconds
	}
	bound := pod.DeepCopy()
	bound.Spec.NodeName = "node-1"
	ended := bound.DeepCopy()
	ended.Status.Phase = corev1.PodSucceeded
	five, negative := int64(5), int64(-1)
	got := []int64{
		period(pod, nil), period(bound, nil), period(bound, &metav1.DeleteOptions{GracePeriodSeconds: &five}), period(ended, nil),
		period(bound, &metav1.DeleteOptions{GracePeriodSeconds: &negative}),
	}
	if diff := cmp.Diff([]int64{0, 30, 5, 0, 1}, got); diff != "" {
		t.Errorf("unbound, bound, bound with 5, ended, negative (-want +got):\n%s", diff)
	}
	if _, graceful := resource(t, "configmaps").GracePeriod(&corev1.ConfigMap{}, nil); graceful {
		t.Error("a config map has no grace period")
	}
}
