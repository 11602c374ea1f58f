package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"drydock/engine/api"
)

// resource finds a row by "pods" or "apps/v1/deployments".
func resource(t testing.TB, name string) *api.Resource {
	t.Helper()
	gvr := schema.GroupVersionResource{Version: "v1", Resource: name}
	if parts := strings.Split(name, "/"); len(parts) == 3 {
		gvr = schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}
	}
	r := api.Lookup(gvr)
	if r == nil {
		t.Fatalf("%s is not in the table", name)
	}
	return r
}

// manifest reads YAML as an object of r, defaulted as the server does.
func manifest(t testing.TB, r *api.Resource, text string) runtime.Object {
	t.Helper()
	obj := r.New()
	if err := yaml.Unmarshal([]byte(text), obj); err != nil {
		t.Fatal(err)
	}
	obj.GetObjectKind().SetGroupVersionKind(r.GVK())
	r.Default(obj)
	return obj
}

// stored is a manifest that the server accepted.
func stored(t testing.TB, r *api.Resource, text string) runtime.Object {
	t.Helper()
	obj := manifest(t, r, text)
	if _, err := r.BeforeCreate("default", obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

const goodPod = `
metadata: {name: web}
spec: {containers: [{name: web, image: drydock/web:1}]}
`

const goodDeployment = `
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "drydock/web:1"}]}
`

// TestBadManifests holds the words that a learner will search the web for; they are upstream's to the letter.
func TestBadManifests(t *testing.T) {
	container := func(more string) string {
		return "metadata: {name: web}\nspec: {containers: [{name: web, image: i, " + more + "}]}"
	}
	for _, test := range []struct{ name, resource, manifest, want string }{
		{
			"no containers", "pods", "metadata: {name: web}",
			`Pod "web" is invalid: spec.containers: Required value`,
		},
		{
			"no image", "pods", "metadata: {name: web}\nspec: {containers: [{name: web}]}",
			`Pod "web" is invalid: spec.containers[0].image: Required value`,
		},
		{
			"no name", "pods", "spec: {containers: [{name: web, image: i}]}",
			`Pod "" is invalid: metadata.name: Required value: name or generateName is required`,
		},
		{
			"upper case name", "pods", "metadata: {name: Web}\nspec: {containers: [{name: web, image: i}]}",
			`Pod "Web" is invalid: metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of lower case ` +
				`alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex ` +
				`used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
		},
		{
			"port", "pods", container("ports: [{containerPort: 99999}]"),
			`Pod "web" is invalid: spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive`,
		},
		{
			"restart policy", "pods", "metadata: {name: web}\nspec: {restartPolicy: Sometimes, containers: [{name: web, image: i}]}",
			`Pod "web" is invalid: spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"`,
		},
		{
			"pull policy", "pods", container("imagePullPolicy: Sometimes"),
			`Pod "web" is invalid: spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"`,
		},
		{
			"request over limit", "pods", container("resources: {requests: {cpu: 2}, limits: {cpu: 1}}"),
			`Pod "web" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`,
		},
		{
			"unknown volume", "pods", container("volumeMounts: [{name: data, mountPath: /data}]"),
			`Pod "web" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "data"`,
		},
		{
			"same name twice", "pods", "metadata: {name: web}\nspec: {containers: [{name: a, image: i}, {name: a, image: i}]}",
			`Pod "web" is invalid: spec.containers[1].name: Duplicate value: "a"`,
		},
		{
			"label", "pods", "metadata: {name: web, labels: {a: b c}}\nspec: {containers: [{name: a, image: i}]}",
			`Pod "web" is invalid: metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric ` +
				`characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or ` +
				`'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
		},
		{
			"selector and template", "apps/v1/deployments", strings.Replace(goodDeployment, "labels: {app: web}}\n    spec", "labels: {app: other}}\n    spec", 1),
			"Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not match template `labels`",
		},
		{
			"no selector", "apps/v1/replicasets", "metadata: {name: web}\nspec: {template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: i}]}}}",
			"ReplicaSet.apps \"web\" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match template `labels`]",
		},
		{
			"negative replicas", "apps/v1/deployments", strings.Replace(goodDeployment, "replicas: 3", "replicas: -1", 1),
			`Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`,
		},
		{
			"key", "configmaps", "metadata: {name: a}\ndata: {a/b: c}",
			`ConfigMap "a" is invalid: data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' ` +
				`(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
		},
		{
			"no ports", "services", "metadata: {name: a}\nspec: {selector: {a: b}}",
			`Service "a" is invalid: spec.ports: Required value`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := resource(t, test.resource)
			_, err := r.BeforeCreate("default", manifest(t, r, test.manifest))
			if !errors.IsInvalid(err) {
				t.Fatalf("got %v, want Invalid", err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCreateMakesAPod(t *testing.T) {
	pods := resource(t, "pods")
	pod := stored(t, pods, `
metadata: {generateName: web-}
spec: {containers: [{name: web, image: drydock/web:1, resources: {requests: {cpu: 100m}}}]}
status: {phase: Running, podIP: 1.2.3.4}
`).(*corev1.Pod)
	if !strings.HasPrefix(pod.Name, "web-") || len(pod.Name) != len("web-")+5 {
		t.Errorf("generated name %q", pod.Name)
	}
	if pod.UID == "" || pod.CreationTimestamp.IsZero() || pod.Generation != 1 || pod.Namespace != "default" {
		t.Errorf("metadata: %+v", pod.ObjectMeta)
	}
	want := corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBurstable}
	if diff := cmp.Diff(want, pod.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	spec := pod.Spec
	if spec.RestartPolicy != corev1.RestartPolicyAlways || *spec.TerminationGracePeriodSeconds != 30 || spec.SchedulerName != "default-scheduler" ||
		spec.DNSPolicy != corev1.DNSClusterFirst || spec.Containers[0].ImagePullPolicy != corev1.PullIfNotPresent {
		t.Errorf("defaults: %+v", spec)
	}
	if pod.Kind != "Pod" || pod.APIVersion != "v1" {
		t.Errorf("kind %q %q", pod.APIVersion, pod.Kind)
	}
}

func TestCreateMakesANamespace(t *testing.T) {
	namespaces := resource(t, "namespaces")
	ns := stored(t, namespaces, "metadata: {generateName: team-}").(*corev1.Namespace)
	want := corev1.Namespace{
		Spec:   corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{"kubernetes"}},
		Status: corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
	}
	if diff := cmp.Diff(want, corev1.Namespace{Spec: ns.Spec, Status: ns.Status}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ns.Namespace != "" || ns.Labels["kubernetes.io/metadata.name"] != ns.Name || ns.Name == "" {
		t.Errorf("metadata: %+v", ns.ObjectMeta)
	}
	if namespaces.Finalized(ns) {
		t.Error("a new namespace may go before it is emptied")
	}
}

func TestCreateRefusesAnotherNamespace(t *testing.T) {
	pods := resource(t, "pods")
	_, err := pods.BeforeCreate("default", manifest(t, pods, "metadata: {name: web, namespace: other}"))
	if want := "the namespace of the provided object does not match the namespace sent on the request"; !errors.IsBadRequest(err) || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestCreateWarns(t *testing.T) {
	pods := resource(t, "pods")
	warnings, err := pods.BeforeCreate("default", manifest(t, pods,
		"metadata: {name: web.one}\nspec: {nodeSelector: {beta.kubernetes.io/os: linux}, containers: [{name: a, image: i}]}"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
		`spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead`,
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUpdateLeavesOldAlone: strategies work on copies, so an object from a cache stays as it is.
func TestUpdateLeavesOldAlone(t *testing.T) {
	for _, r := range api.All() {
		old := r.New()
		accessor, err := meta.Accessor(old)
		if err != nil {
			t.Fatal(err)
		}
		accessor.SetName("a")
		before := old.DeepCopyObject()
		_, _ = r.BeforeUpdate("default", "", old.DeepCopyObject(), old)
		if diff := cmp.Diff(before, old); diff != "" {
			t.Errorf("%s (-before +after):\n%s", r.Resource, diff)
		}
	}
}
