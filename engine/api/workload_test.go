package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"drydock/engine/api"
)

const goodJob = `
metadata: {name: pi}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: pi, image: "drydock/tools:1"}]}
`

const goodStatefulSet = `
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "drydock/kv:1"}]}
`

const goodDaemonSet = `
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: "drydock/tools:1"}]}
`

// storedOnce is a manifest that the server accepted and stored, so that it can be updated.
func storedOnce(t *testing.T, r *api.Resource, text string) runtime.Object {
	t.Helper()
	obj := stored(t, r, text)
	obj.(metav1.Object).SetResourceVersion("1")
	return obj
}

// TestJobSelectsItself: a job's pods carry its uid, and it selects by it.
func TestJobSelectsItself(t *testing.T) {
	job := stored(t, resource(t, "batch/v1/jobs"), goodJob).(*batchv1.Job)
	uid := string(job.UID)
	want := map[string]string{
		"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid, "batch.kubernetes.io/job-name": "pi", "job-name": "pi",
	}
	if diff := cmp.Diff(want, job.Spec.Template.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"batch.kubernetes.io/controller-uid": uid}, job.Spec.Selector.MatchLabels); diff != "" {
		t.Errorf("selector (-want +got):\n%s", diff)
	}
	if job.Generation != 1 || ptr.Deref(job.Spec.BackoffLimit, 0) != 6 || ptr.Deref(job.Spec.Parallelism, 0) != 1 {
		t.Errorf("defaults: %+v", job.Spec)
	}
}

func TestJobStatusKeepsItsWord(t *testing.T) {
	r := resource(t, "batch/v1/jobs")
	old := storedOnce(t, r, goodJob).(*batchv1.Job)
	job := old.DeepCopy()
	job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	_, err := r.BeforeUpdate("default", "status", job, old)
	if err == nil || !strings.Contains(err.Error(), "cannot set Complete=True condition without the SuccessCriteriaMet=true condition") {
		t.Errorf("got %v", err)
	}
	job = old.DeepCopy()
	now := metav1.Now()
	job.Status.StartTime, job.Status.Active = &now, 1
	job.Spec.Parallelism = ptr.To[int32](5)
	if _, err := r.BeforeUpdate("default", "status", job, old); err != nil || *job.Spec.Parallelism != 1 || job.Status.Active != 1 {
		t.Errorf("a status update: %v, %+v", err, job)
	}
	set, err := r.SelectableFields(&batchv1.Job{Status: batchv1.JobStatus{Succeeded: 3}})
	if err != nil || set["status.successful"] != "3" {
		t.Errorf("fields %v (%v)", set, err)
	}
}

func TestStatefulSetSpecIsForLife(t *testing.T) {
	r := resource(t, "apps/v1/statefulsets")
	old := storedOnce(t, r, goodStatefulSet).(*appsv1.StatefulSet)
	set := old.DeepCopy()
	set.Spec.ServiceName = "other"
	want := `StatefulSet.apps "db" is invalid: spec.serviceName: Invalid value: "other": field is immutable`
	if _, err := r.BeforeUpdate("default", "", set, old); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	set = old.DeepCopy()
	set.Spec.Replicas = ptr.To[int32](3)
	if _, err := r.BeforeUpdate("default", "", set, old); err != nil || set.Generation != 2 {
		t.Errorf("scale: %v, generation %d", err, set.Generation)
	}
	if old.Spec.PodManagementPolicy != appsv1.OrderedReadyPodManagement || old.Spec.UpdateStrategy.Type != appsv1.RollingUpdateStatefulSetStrategyType {
		t.Errorf("defaults: %+v", old.Spec)
	}
}

// TestDaemonSetCountsTemplates: the template has a number of its own, which other changes leave alone.
func TestDaemonSetCountsTemplates(t *testing.T) {
	r := resource(t, "apps/v1/daemonsets")
	old := storedOnce(t, r, goodDaemonSet).(*appsv1.DaemonSet)
	set := old.DeepCopy()
	set.Spec.MinReadySeconds = 5
	if _, err := r.BeforeUpdate("default", "", set, old); err != nil || set.Generation != 2 || set.Annotations[appsv1.DeprecatedTemplateGeneration] != "1" {
		t.Errorf("minReadySeconds: %v, generation %d, %v", err, set.Generation, set.Annotations)
	}
	next := set.DeepCopy()
	next.Spec.Template.Spec.Containers[0].Image = "drydock/tools:2"
	if _, err := r.BeforeUpdate("default", "", next, set); err != nil || next.Generation != 3 || next.Annotations[appsv1.DeprecatedTemplateGeneration] != "2" {
		t.Errorf("image: %v, generation %d, %v", err, next.Generation, next.Annotations)
	}
}

func TestReplicationControllerScales(t *testing.T) {
	r := resource(t, "replicationcontrollers")
	rc := stored(t, r, "metadata: {name: web}\nspec: {replicas: 2, selector: {app: web, tier: a}, template: {metadata: {labels: {app: web, tier: a}}, spec: {containers: [{name: web, image: i}]}}}")
	scale, err := r.Scale(rc)
	if err != nil || scale.Spec.Replicas != 2 || scale.Status.Selector != "app=web,tier=a" {
		t.Fatalf("scale %+v (%v)", scale, err)
	}
	scale.Spec.Replicas = 7
	after, err := r.WithScale(rc, scale)
	if err != nil || *after.(*corev1.ReplicationController).Spec.Replicas != 7 {
		t.Errorf("scaled: %+v (%v)", after, err)
	}
}

func TestBudgetUpdate(t *testing.T) {
	r := resource(t, "policy/v1/poddisruptionbudgets")
	old := storedOnce(t, r, "metadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}").(*policyv1.PodDisruptionBudget)
	pdb := old.DeepCopy()
	pdb.Spec.MinAvailable.IntVal = 2
	pdb.Status.DisruptionsAllowed = 7
	if _, err := r.BeforeUpdate("default", "", pdb, old); err != nil || pdb.Generation != 2 || pdb.Status.DisruptionsAllowed != 0 {
		t.Errorf("update: %v, %+v", err, pdb)
	}
	if _, err := r.BeforeUpdate("default", "status", pdb.DeepCopy(), pdb); err != nil {
		t.Errorf("status: %v", err)
	}
}

// TestResizeTouchesSizesOnly: what else the client changed is forgotten, and nobody comes to own it.
func TestResizeTouchesSizesOnly(t *testing.T) {
	r := resource(t, "pods")
	old := storedOnce(t, r, "metadata: {name: web}\nspec: {containers: [{name: web, image: i, resources: {requests: {cpu: 100m}}}]}").(*corev1.Pod)
	create, err := r.FieldManager("")
	if err != nil {
		t.Fatal(err)
	}
	old = create.UpdateNoErrors(r.New(), old, "creator").(*corev1.Pod)
	pod := old.DeepCopy()
	pod.Labels = map[string]string{"sneaky": "yes"}
	pod.Spec.Containers[0].Image = "other"
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"cpu": apiresource.MustParse("200m")}
	manager, err := r.FieldManager("resize")
	if err != nil {
		t.Fatal(err)
	}
	pod.SetGroupVersionKind(r.GVK())
	obj := manager.UpdateNoErrors(old.DeepCopy(), pod, "kubectl").(*corev1.Pod)
	if len(obj.ManagedFields) != 2 || obj.ManagedFields[1].Manager != "kubectl" || obj.ManagedFields[1].Subresource != "resize" {
		t.Fatalf("owners: %v", obj.ManagedFields)
	}
	if owned := obj.ManagedFields[1].FieldsV1.GetRawString(); strings.Contains(owned, "image") || !strings.Contains(owned, "f:cpu") {
		t.Errorf("owned: %s", owned)
	}
	if _, err := r.BeforeUpdate("default", "resize", obj, old); err != nil {
		t.Fatal(err)
	}
	c := obj.Spec.Containers[0]
	if c.Image != "i" || c.Resources.Requests.Cpu().String() != "200m" || obj.Labels != nil || obj.Generation != 2 {
		t.Errorf("resized: %+v", obj)
	}
}

func TestEphemeralContainersAreAdded(t *testing.T) {
	r := resource(t, "pods")
	old := storedOnce(t, r, goodPod).(*corev1.Pod)
	pod := old.DeepCopy()
	pod.Spec.Containers[0].Image = "other"
	pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debugger", Image: "tools"}}}
	r.Default(pod)
	if _, err := r.BeforeUpdate("default", "ephemeralcontainers", pod, old); err != nil {
		t.Fatal(err)
	}
	if pod.Spec.Containers[0].Image != "drydock/web:1" || len(pod.Spec.EphemeralContainers) != 1 || pod.Generation != 2 {
		t.Errorf("got %+v", pod.Spec)
	}
	next := pod.DeepCopy()
	next.Spec.EphemeralContainers = nil
	if _, err := r.BeforeUpdate("default", "ephemeralcontainers", next, pod); err == nil || !strings.Contains(err.Error(), "existing ephemeral containers \"debugger\" may not be removed") {
		t.Errorf("removed: %v", err)
	}
}
