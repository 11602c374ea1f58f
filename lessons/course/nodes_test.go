package course_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"drydock/lessons/course"
)

// A Node as its kubelet registered it, and after a learner has cordoned, labelled, annotated and tainted it.
const (
	plainNode = `{apiVersion: v1, kind: Node, metadata: {name: node-2, labels: {kubernetes.io/os: linux, kubernetes.io/arch: amd64, kubernetes.io/hostname: node-2},
  annotations: {ttl: "0"}}, status: {nodeInfo: {operatingSystem: linux, architecture: amd64}}}`
	drainedNode = `{apiVersion: v1, kind: Node, metadata: {name: node-2,
  labels: {kubernetes.io/os: plan9, kubernetes.io/arch: amd64, kubernetes.io/hostname: node-2, disk: ssd}, annotations: {ttl: "0", mine: "1"},
  managedFields: [
    {manager: kubelet, operation: Update, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:labels": {"f:kubernetes.io/arch": {}, "f:kubernetes.io/hostname": {}}}}},
    {manager: "system:kube-controller-manager", operation: Update, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:annotations": {"f:ttl": {}}}, "f:spec": {"f:taints": {}}}},
    {manager: kubectl-label, operation: Update, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:labels": {"f:disk": {}, "f:kubernetes.io/os": {}}}}},
    {manager: kubectl-annotate, operation: Update, fieldsType: FieldsV1, fieldsV1: {"f:metadata": {"f:annotations": {"f:mine": {}}}}}]},
  spec: {unschedulable: true, taints: [{key: mine, effect: NoSchedule}, {key: node.kubernetes.io/unschedulable, effect: NoSchedule}]},
  status: {nodeInfo: {operatingSystem: linux, architecture: amd64}}}`
)

// A lab that has kept nothing mends its Nodes: what a learner decided goes, what the cluster says of them stays.
func TestResetMendsNodes(t *testing.T) {
	c := begin(t, "free")
	c.cfg.Machines = &machines{}
	c.restart()
	c.api.Set(plainNode)
	c.open("pod")
	c.api.Set(drainedNode)
	plan, err := c.Plan(context.Background(), "pod")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]course.Object{{Kind: "Node", Name: "node-2"}}, plan.Undoes); diff != "" {
		t.Errorf("what is taken back (-want +got):\n%s", diff)
	}
	var mended *unstructured.Unstructured
	c.api.OnChange(func(verb string, o *unstructured.Unstructured) {
		if verb == "set" && o.GetKind() == "Node" {
			mended = o
		}
	})
	if err := c.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	if mended == nil {
		t.Fatal("the node was left as it was")
	}
	got := map[string]any{"labels": mended.GetLabels(), "annotations": mended.GetAnnotations(), "spec": mended.Object["spec"]}
	want := map[string]any{
		"labels":      map[string]string{"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": "node-2"},
		"annotations": map[string]string{"ttl": "0"},
		"spec":        map[string]any{"taints": []any{map[string]any{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the node (-want +got):\n%s", diff)
	}
}

// Where the lab is kept, a reset also takes back what was changed in the system's namespaces and outside of all.
func TestPlanNamesWhatIsTakenBackOfTheCluster(t *testing.T) {
	c := begin(t, "free")
	c.cfg.Snapshots = &fakeSnapshots{api: c.api, kept: map[string]string{}, calls: make(chan string, 20)}
	c.restart()
	c.open("pod")
	const byKubectl = "managedFields: [{manager: kubectl-create, operation: Update}]"
	for _, o := range []string{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: mine, namespace: kube-system, " + byKubectl + "}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: kube-system, managedFields: [{manager: kube-apiserver, operation: Update}]}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: mine, " + byKubectl + "}}", // is deleted
		"{apiVersion: v1, kind: Namespace, metadata: {name: kube-public, " + byKubectl + "}}",
	} {
		c.api.Set(o)
	}
	plan, err := c.Plan(context.Background(), "pod")
	if err != nil {
		t.Fatal(err)
	}
	want := []course.Object{{Kind: "ConfigMap", Namespace: "kube-system", Name: "mine"}, {Kind: "Namespace", Name: "kube-public"}}
	if diff := cmp.Diff(want, plan.Undoes); diff != "" {
		t.Errorf("what is taken back (-want +got):\n%s", diff)
	}
}
