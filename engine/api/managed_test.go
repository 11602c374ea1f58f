package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"drydock/engine/api"
)

// applied is what a client sends as application/apply-patch+yaml.
func applied(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &obj.Object); err != nil {
		t.Fatal(err)
	}
	return obj
}

// owners lists who owns a field path in obj: "kubectl Apply apps/v1".
func owners(t *testing.T, obj runtime.Object, field string) []string {
	t.Helper()
	accessor, err := meta.Accessor(obj)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range accessor.GetManagedFields() {
		if strings.Contains(entry.FieldsV1.GetRawString(), field) {
			names = append(names, strings.TrimSpace(strings.Join([]string{entry.Manager, string(entry.Operation), entry.APIVersion, entry.Subresource}, " ")))
		}
	}
	return names
}

func apply(t *testing.T, r *api.Resource, live runtime.Object, text, manager string, force bool) (runtime.Object, error) {
	t.Helper()
	fields, err := r.FieldManager("")
	if err != nil {
		t.Fatal(err)
	}
	return fields.Apply(live, applied(t, text), manager, force)
}

const appliedDeployment = "apiVersion: apps/v1\nkind: Deployment" + goodDeployment

func TestApplyAndConflict(t *testing.T) {
	r := resource(t, "apps/v1/deployments")
	live, err := apply(t, r, r.New(), appliedDeployment, "kubectl", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := live.(*appsv1.Deployment); !ok {
		t.Fatalf("apply returned a %T", live)
	}
	if diff := cmp.Diff([]string{"kubectl Apply apps/v1"}, owners(t, live, "f:replicas")); diff != "" {
		t.Errorf("owners after apply (-want +got):\n%s", diff)
	}
	five := strings.Replace(appliedDeployment, "replicas: 3", "replicas: 5", 1)
	_, err = apply(t, r, live, five, "autoscaler", false)
	if want := `Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas`; !errors.IsConflict(err) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	live, err = apply(t, r, live, five, "autoscaler", true)
	if err != nil {
		t.Fatal(err)
	}
	if got := *live.(*appsv1.Deployment).Spec.Replicas; got != 5 {
		t.Errorf("%d replicas after a forced apply", got)
	}
	if diff := cmp.Diff([]string{"autoscaler Apply apps/v1"}, owners(t, live, "f:replicas")); diff != "" {
		t.Errorf("owners after force (-want +got):\n%s", diff)
	}
	// What its only owner no longer applies goes away; a list with a merge key loses the one item.
	two := strings.Replace(appliedDeployment, "labels: {app: web}}\nspec", "labels: {app: web, tier: front}}\nspec", 1)
	live, err = apply(t, r, live, two, "kubectl", true)
	if err != nil {
		t.Fatal(err)
	}
	live, err = apply(t, r, live, appliedDeployment, "kubectl", true)
	if err != nil {
		t.Fatal(err)
	}
	if labels := live.(*appsv1.Deployment).Labels; labels["tier"] != "" || labels["app"] != "web" {
		t.Errorf("labels after an apply without one: %v", labels)
	}
}

// TestEventOwnersThroughBothDoors: the field that one door calls count is deprecatedCount behind the other.
func TestEventOwnersThroughBothDoors(t *testing.T) {
	core, events := resource(t, "events"), resource(t, "events.k8s.io/v1/events")
	coreFields, err := core.FieldManager("")
	if err != nil {
		t.Fatal(err)
	}
	old := manifest(t, core, "metadata: {name: a, namespace: default}\ninvolvedObject: {namespace: default, name: web}\ncount: 1")
	live, err := events.FromStorage(coreFields.UpdateNoErrors(core.New(), old, "kubelet"))
	if err != nil {
		t.Fatal(err)
	}
	if got := live.(*eventsv1.Event).DeprecatedCount; got != 1 {
		t.Errorf("count %d through events.k8s.io", got)
	}
	changed := live.DeepCopyObject().(*eventsv1.Event)
	changed.DeprecatedCount = 2
	fields, err := events.FieldManager("")
	if err != nil {
		t.Fatal(err)
	}
	live, err = events.ToStorage(fields.UpdateNoErrors(live, changed, "client"))
	if err != nil {
		t.Fatal(err)
	}
	if got := live.(*corev1.Event).Count; got != 2 || live.GetObjectKind().GroupVersionKind() != core.GVK() {
		t.Errorf("stored %s with count %d", live.GetObjectKind().GroupVersionKind(), got)
	}
	if diff := cmp.Diff([]string{"client Update events.k8s.io/v1"}, owners(t, live, "ount")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStatusWritesOwnStatus(t *testing.T) {
	r := resource(t, "pods")
	main, err := r.FieldManager("")
	if err != nil {
		t.Fatal(err)
	}
	status, err := r.FieldManager("status")
	if err != nil {
		t.Fatal(err)
	}
	live := main.UpdateNoErrors(r.New(), stored(t, r, goodPod), "kubectl-run")
	changed := live.DeepCopyObject().(*corev1.Pod)
	changed.Status.PodIP = "10.244.1.5"
	changed.Spec.NodeName = "node-1"
	live = status.UpdateNoErrors(live, changed, "docknode")
	if diff := cmp.Diff([]string{"kubectl-run Update v1"}, owners(t, live, "f:containers")); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"docknode Update v1 status"}, owners(t, live, "f:podIP")); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if got := owners(t, live, "f:nodeName"); got != nil {
		t.Errorf("a status write came to own spec: %v", got)
	}
}
