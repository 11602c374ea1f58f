package checks_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"drydock/checks"
)

// fixed is a picture of a cluster given as YAML.
type fixed []string

func (f fixed) List(k checks.Kind) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, text := range f {
		o := &unstructured.Unstructured{}
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			return nil, err
		}
		if err := o.UnmarshalJSON(raw); err != nil {
			return nil, err
		}
		if o.GroupVersionKind() == k.GroupVersionKind && (k.Namespace == "" || o.GetNamespace() == k.Namespace) {
			out = append(out, o)
		}
	}
	return out, nil
}

const (
	webRunning = `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default, labels: {app: web}},
  spec: {nodeName: node-1, containers: [{name: web, image: "drydock/web:1"}]},
  status: {phase: Running, containerStatuses: [{name: web, ready: true, restartCount: 0}]}}`
	webCreating = `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default},
  spec: {nodeName: node-1, containers: [{name: web, image: "drydock/web:1"}]},
  status: {phase: Pending, containerStatuses: [{name: web, ready: false, state: {waiting: {reason: ContainerCreating}}}]}}`
	webNoImage = `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default},
  spec: {nodeName: node-1, containers: [{name: web, image: "drydock/wbe:1"}]},
  status: {phase: Pending, containerStatuses: [{name: web, ready: false, state: {waiting: {reason: ImagePullBackOff, message: "Back-off pulling image drydock/wbe:1"}}}]}}`
	webGoing = `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default, deletionTimestamp: "2030-01-01T00:00:00Z"},
  spec: {nodeName: node-1, containers: [{name: web, image: "drydock/web:1"}]},
  status: {phase: Running, containerStatuses: [{name: web, ready: true}]}}`
	otherPod = `{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: default, labels: {app: api}},
  spec: {nodeName: node-1, containers: [{name: api, image: "drydock/web:2"}]},
  status: {phase: Running, containerStatuses: [{name: api, ready: true}]}}`
	threeOfThree = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default, generation: 2},
  spec: {replicas: 3}, status: {observedGeneration: 2, replicas: 3, readyReplicas: 3}}`
	oneOfThree = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default, generation: 2},
  spec: {replicas: 3}, status: {observedGeneration: 2, replicas: 3, readyReplicas: 1}}`
	twoOfTwo = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default, generation: 1},
  spec: {replicas: 2}, status: {observedGeneration: 1, replicas: 2, readyReplicas: 2}}`
)

func ready(name string) checks.Spec {
	return checks.Spec{Object: &checks.ObjectSpec{
		Kind: "Pod", Name: name,
		That: []checks.Condition{{CEL: `object.status.phase == "Running" && object.status.containerStatuses.all(c, c.ready)`}},
	}}
}

func scaled() checks.Spec {
	return checks.Spec{Object: &checks.ObjectSpec{
		Kind: "Deployment", Name: "web", Match: map[string]any{"spec": map[string]any{"replicas": 3}},
		That: []checks.Condition{{CEL: "object.status.readyReplicas == 3"}},
	}}
}

func count(low, high int) *checks.Count { return &checks.Count{Min: &low, Max: &high} }

// reading is what a person reads of a Result.
type reading struct{ Outcome, Cause, Progress, Expected, Seen, Why, Look string }

func read(r checks.Result, lang string) reading {
	return reading{
		string(r.Outcome), r.Cause, r.Progress.In(lang), r.Expected.In(lang), r.Seen.In(lang), r.Why.In(lang), r.Look.In(lang),
	}
}

func ask(t *testing.T, s checks.Spec, v checks.View) checks.Result {
	t.Helper()
	c, err := checks.Compile(s)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return c.Ask(context.Background(), v)
}

func TestObject(t *testing.T) {
	const (
		whyMissing  = "The cluster only works on objects that the API server holds."
		whyMismatch = "What runs follows from what the object says."
		whyStatus   = "The status is what the cluster found when it carried out the spec."
		whyUnwanted = "As long as the object exists, the cluster goes on working on it."
		whyTooFew   = "Fewer objects than asked for means that something was not created, or not found."
	)
	running := "Pod web: status.phase is Running"
	labelled := checks.Spec{Object: &checks.ObjectSpec{Kind: "Pod", Selector: "app=web", Count: count(1, 1)}}
	none := checks.Spec{Object: &checks.ObjectSpec{Kind: "Pod", Name: "web", Expect: checks.ExpectNone}}
	all := checks.Spec{Object: &checks.ObjectSpec{
		Kind: "Pod", Expect: checks.ExpectAll,
		Match: map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": "drydock/web:1"}}}},
	}}
	for name, tt := range map[string]struct {
		spec  checks.Spec
		world fixed
		want  reading
	}{
		"one passes": {ready("web"), fixed{webRunning, otherPod}, reading{
			Outcome: "pass", Expected: "Pod web: status.phase is Running, object.status.containerStatuses.all(c, c.ready)",
			Seen: "Pod web is Running, 1 of 1 containers ready",
		}},
		"one is missing": {ready("web"), fixed{otherPod}, reading{
			"fail", "missing", "", "Pod web: status.phase is Running, object.status.containerStatuses.all(c, c.ready)",
			"there is none; what there is: api", whyMissing, "kubectl get pods",
		}},
		"one is on its way": {ready("web"), fixed{webCreating}, reading{
			"fail", "mismatch", "Pod web is ContainerCreating", running,
			"status.phase is Pending; Pod web is ContainerCreating", whyStatus, "kubectl describe pod web",
		}},
		"one will not come by itself": {ready("web"), fixed{webNoImage}, reading{
			"fail", "mismatch", "", running,
			"status.phase is Pending; Pod web is ImagePullBackOff: Back-off pulling image drydock/wbe:1", whyStatus, "kubectl describe pod web",
		}},
		"none passes": {none, fixed{otherPod}, reading{Outcome: "pass", Expected: "there is no Pod web", Seen: "there is none"}},
		"none fails": {none, fixed{webRunning}, reading{
			"fail", "unwanted", "", "there is no Pod web", "Pod web is Running, 1 of 1 containers ready", whyUnwanted, "kubectl describe pod web",
		}},
		"none is on its way": {none, fixed{webGoing}, reading{
			"fail", "unwanted", "Pod web is Terminating", "there is no Pod web", "Pod web is Terminating", whyUnwanted, "kubectl describe pod web",
		}},
		"all passes": {all, fixed{webRunning}, reading{
			Outcome: "pass", Expected: `every Pod: spec.containers contains {"image":"drydock/web:1"}`, Seen: "1: web",
		}},
		"all fails for one": {all, fixed{webRunning, otherPod}, reading{
			"fail", "mismatch", "", `every Pod api: spec.containers contains {"image":"drydock/web:1"}`, "pod/api: spec.containers does not",
			whyMismatch, "kubectl describe pod api",
		}},
		"all over nothing fails": {all, fixed{}, reading{
			"fail", "missing", "", `every Pod: spec.containers contains {"image":"drydock/web:1"}`, "there is none", whyMissing, "kubectl get pods",
		}},
		"count passes": {labelled, fixed{webRunning, otherPod}, reading{
			Outcome: "pass", Expected: "1 × Pod with labels app=web", Seen: "1: web",
		}},
		"count is too low": {labelled, fixed{otherPod}, reading{
			"fail", "too-few", "", "1 × Pod with labels app=web", "0", whyTooFew, "kubectl get pods --show-labels",
		}},
		"match passes": {scaled(), fixed{threeOfThree}, reading{
			Outcome: "pass", Expected: "Deployment web: spec.replicas is 3, status.readyReplicas is 3", Seen: "Deployment web has 3 of 3 pods ready",
		}},
		"status moves towards the spec": {scaled(), fixed{oneOfThree}, reading{
			"fail", "mismatch", "Deployment web has 1 of 3 pods ready", "Deployment web: status.readyReplicas is 3",
			"status.readyReplicas is 1; Deployment web has 1 of 3 pods ready", whyStatus, "kubectl describe deployment web",
		}},
		"spec does not move": {scaled(), fixed{twoOfTwo}, reading{
			"fail", "mismatch", "", "Deployment web: spec.replicas is 3", "deployment/web: spec.replicas is 2",
			whyMismatch, "kubectl describe deployment web",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(ask(t, tt.spec, checks.View{Objects: tt.world}), "en")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}
