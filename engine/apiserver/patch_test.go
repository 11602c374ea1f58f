package apiserver_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"
)

func webDeployment(t testing.TB, c *cluster) *appsv1.Deployment {
	t.Helper()
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](1),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "i:1"}, {Name: "b", Image: "i:1"}}},
			},
		},
	}
	created, err := c.client.AppsV1().Deployments("default").Create(background, deployment, metav1.CreateOptions{FieldManager: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func TestPatches(t *testing.T) {
	for _, test := range []struct {
		name  string
		how   types.PatchType
		body  string
		check func(*appsv1.Deployment) bool
		err   string
	}{
		{"JSON", types.JSONPatchType, `[{"op":"replace","path":"/spec/replicas","value":4}]`, func(d *appsv1.Deployment) bool { return *d.Spec.Replicas == 4 }, ""},
		{"merge replaces a list", types.MergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"a","image":"i:2"}]}}}}`, func(d *appsv1.Deployment) bool { return len(d.Spec.Template.Spec.Containers) == 1 }, ""},
		{"strategic merges by name", types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"i:2"}]}}}}`, func(d *appsv1.Deployment) bool {
			cs := d.Spec.Template.Spec.Containers
			return len(cs) == 2 && cs[1].Image == "i:2" && cs[0].Image == "i:1" && d.Generation == 2
		}, ""},
		{"JSON test fails", types.JSONPatchType, `[{"op":"test","path":"/spec/replicas","value":9}]`, nil, "the server rejected our request due to an error in our request"},
		{"not a patch", types.JSONPatchType, `{}`, nil, "error decoding patch"},
		{"null removes a default", types.MergePatchType, `{"spec":{"replicas":null}}`, func(d *appsv1.Deployment) bool { return *d.Spec.Replicas == 1 }, ""},
		{"stale", types.MergePatchType, `{"metadata":{"resourceVersion":"1"}}`, nil, "the object has been modified; please apply your changes to the latest version and try again"},
		{"rename", types.MergePatchType, `{"metadata":{"name":"x"}}`, nil, "the name of the object (x) does not match the name on the URL (web)"},
		{"invalid", types.MergePatchType, `{"spec":{"replicas":-1}}`, nil, `Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`},
		{"wrong type", types.MergePatchType, `{"spec":{"replicas":"x"}}`, nil, `is invalid: patch: Invalid value: `},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCluster(t)
			webDeployment(t, c)
			got, err := c.client.AppsV1().Deployments("default").Patch(background, "web", test.how, []byte(test.body), metav1.PatchOptions{})
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %s", err, test.err)
				}
			case err != nil:
				t.Error(err)
			case !test.check(got):
				t.Errorf("%+v", got.Spec)
			}
		})
	}
}

func TestPatchFieldValidation(t *testing.T) {
	c := newCluster(t)
	webDeployment(t, c)
	deployments := c.client.AppsV1().Deployments("default")
	for _, how := range []types.PatchType{types.MergePatchType, types.StrategicMergePatchType} {
		body := []byte(`{"spec":{"replcias":1}}`)
		_, err := deployments.Patch(background, "web", how, body, metav1.PatchOptions{FieldValidation: "Strict"})
		if err == nil || !strings.Contains(err.Error(), `strict decoding error: unknown field "spec.replcias"`) {
			t.Errorf("%s: %v", how, err)
		}
		if _, err = deployments.Patch(background, "web", how, body, metav1.PatchOptions{FieldValidation: "Ignore"}); err != nil {
			t.Errorf("%s: %v", how, err)
		}
	}
	if code, body, _ := c.request(t, "PATCH", "/apis/apps/v1/namespaces/default/deployments/web", "{}", "Content-Type", "application/json"); code != 415 ||
		!strings.Contains(body, "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml") {
		t.Errorf("%d %s", code, body)
	}
}

func applyOf(replicas int32) *appsapply.DeploymentApplyConfiguration {
	return appsapply.Deployment("web", "default").WithSpec(appsapply.DeploymentSpec().WithReplicas(replicas).
		WithSelector(metaapply.LabelSelector().WithMatchLabels(map[string]string{"app": "web"})).
		WithTemplate(coreapply.PodTemplateSpec().WithLabels(map[string]string{"app": "web"}).
			WithSpec(coreapply.PodSpec().WithContainers(coreapply.Container().WithName("a").WithImage("i:1")))))
}

func TestApply(t *testing.T) {
	c := newCluster(t)
	deployments := c.client.AppsV1().Deployments("default")
	created, err := deployments.Apply(background, applyOf(2), metav1.ApplyOptions{FieldManager: "one"})
	if err != nil || created.UID == "" || *created.Spec.Replicas != 2 || created.Spec.RevisionHistoryLimit == nil {
		t.Fatalf("%+v, %v", created, err)
	}
	same, err := deployments.Apply(background, applyOf(2), metav1.ApplyOptions{FieldManager: "one"})
	if err != nil || same.ResourceVersion != created.ResourceVersion {
		t.Errorf("applying the same wrote: %s → %s, %v", created.ResourceVersion, same.ResourceVersion, err)
	}
	_, err = deployments.Apply(background, applyOf(3), metav1.ApplyOptions{FieldManager: "two"})
	if wanted := `Apply failed with 1 conflict: conflict with "one": .spec.replicas`; !apierrors.IsConflict(err) || err.Error() != wanted {
		t.Errorf("%v, want %s", err, wanted)
	}
	forced, err := deployments.Apply(background, applyOf(3), metav1.ApplyOptions{FieldManager: "two", Force: true})
	if err != nil || *forced.Spec.Replicas != 3 {
		t.Fatalf("%+v, %v", forced, err)
	}
	// What a manager no longer names goes, when nobody else owns it.
	two := applyOf(3)
	two.Spec.Template.Spec.Containers[0].Image = ptr.To("i:1")
	two.WithLabels(map[string]string{"mine": "yes"})
	if _, err = deployments.Apply(background, two, metav1.ApplyOptions{FieldManager: "two"}); err != nil {
		t.Fatal(err)
	}
	gone, err := deployments.Apply(background, applyOf(3), metav1.ApplyOptions{FieldManager: "two"})
	if err != nil || gone.Labels["mine"] != "" {
		t.Errorf("labels %v, %v", gone.Labels, err)
	}
	if code, body, _ := c.request(t, "PATCH", "/apis/apps/v1/namespaces/default/deployments/web", "{}", "Content-Type", "application/apply-patch+yaml"); code != 422 ||
		!strings.Contains(body, "fieldManager: Required value: is required for apply patch") {
		t.Errorf("%d %s", code, body)
	}
}

func TestScale(t *testing.T) {
	c := newCluster(t)
	webDeployment(t, c)
	deployments := c.client.AppsV1().Deployments("default")
	scale, err := deployments.GetScale(background, "web", metav1.GetOptions{})
	if err != nil || scale.Spec.Replicas != 1 || scale.Status.Selector != "app=web" {
		t.Fatalf("%+v, %v", scale, err)
	}
	scale.Spec.Replicas = 5
	if scale, err = deployments.UpdateScale(background, "web", scale, metav1.UpdateOptions{}); err != nil || scale.Spec.Replicas != 5 {
		t.Fatalf("%+v, %v", scale, err)
	}
	code, body, _ := c.request(t, "PATCH", "/apis/apps/v1/namespaces/default/deployments/web/scale", `{"spec":{"replicas":7}}`, "Content-Type", "application/merge-patch+json")
	if code != 200 || !strings.Contains(body, `"kind":"Scale","apiVersion":"autoscaling/v1"`) || !strings.Contains(body, `"replicas":7`) {
		t.Errorf("%d %s", code, body)
	}
	scale.Spec.Replicas = -1
	scale.ResourceVersion = ""
	if _, err = deployments.UpdateScale(background, "web", scale, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("%v", err)
	}
	live, err := deployments.Get(background, "web", metav1.GetOptions{})
	if err != nil || *live.Spec.Replicas != 7 || live.Generation != 3 {
		t.Errorf("%d replicas, generation %d, %v", *live.Spec.Replicas, live.Generation, err)
	}
}

func TestStatusPatches(t *testing.T) {
	c := newCluster(t)
	pod := mustCreatePod(t, c, webPod("web"))
	pods := c.client.CoreV1().Pods("default")
	// As a kubelet reports: strategic, with the uid of the pod that it means.
	body := `{"metadata":{"uid":"` + string(pod.UID) + `"},"status":{"phase":"Running","podIP":"10.244.1.2","podIPs":[{"ip":"10.244.1.2"}],"conditions":[{"type":"Ready","status":"True"}]}}`
	patched, err := pods.Patch(background, "web", types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{}, "status")
	if err != nil || patched.Status.Phase != corev1.PodRunning || patched.Status.PodIP != "10.244.1.2" {
		t.Fatalf("%+v, %v", patched, err)
	}
	body = `{"metadata":{"uid":"another"},"status":{"phase":"Failed"}}`
	if _, err := pods.Patch(background, "web", types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{}, "status"); !apierrors.IsInvalid(err) && !apierrors.IsConflict(err) {
		t.Errorf("patch for another pod of that name: %v", err)
	}
	webDeployment(t, c)
	status := appsapply.Deployment("web", "default").WithStatus(appsapply.DeploymentStatus().WithReplicas(3))
	applied, err := c.client.AppsV1().Deployments("default").ApplyStatus(background, status, metav1.ApplyOptions{FieldManager: "controller"})
	if err != nil || applied.Status.Replicas != 3 || *applied.Spec.Replicas != 1 {
		t.Errorf("%+v, %v", applied, err)
	}
}
