package api_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// upstream reads a document of the Kubernetes module that this one is pinned to.
func upstream(t *testing.T, name string, into any) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes").Output()
	if err != nil {
		t.Fatalf("find k8s.io/kubernetes: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "api", "discovery", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// metricsGroup is not of the Kubernetes module: metrics-server adds it to a cluster.
const metricsGroup = "metrics.k8s.io"

// served tells whether the table has a resource or subresource.
func served(gv schema.GroupVersion, name string) bool {
	parent, sub, below := strings.Cut(name, "/")
	if r := api.Lookup(gv.WithResource(parent)); r != nil {
		s := r.Subresource(sub)
		return !below || s != nil
	}
	virtual := []string{"bindings", "selfsubjectreviews", "tokenreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"}
	return slices.Contains(virtual, name)
}

func TestResourcesEqualUpstream(t *testing.T) {
	for _, name := range []string{
		"api__v1", "apis__apps__v1", "apis__coordination.k8s.io__v1", "apis__discovery.k8s.io__v1", "apis__events.k8s.io__v1",
		"apis__authentication.k8s.io__v1", "apis__authorization.k8s.io__v1", "apis__scheduling.k8s.io__v1", "apis__node.k8s.io__v1",
		"apis__batch__v1", "apis__networking.k8s.io__v1", "apis__policy__v1", "apis__storage.k8s.io__v1",
	} {
		var want metav1.APIResourceList
		upstream(t, name+".json", &want)
		gv, err := schema.ParseGroupVersion(want.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		want.APIResources = slices.DeleteFunc(want.APIResources, func(r metav1.APIResource) bool { return !served(gv, r.Name) })
		if len(want.APIResources) == 0 {
			t.Errorf("%s: nothing of upstream's is served", name)
		}
		if diff := cmp.Diff(&want, api.Resources(gv)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := api.Resources(schema.GroupVersion{Group: "nowhere", Version: "v1"}); got != nil {
		t.Errorf("a group that is not served: %v", got)
	}
}

func TestGroupsEqualUpstream(t *testing.T) {
	var want metav1.APIGroupList
	upstream(t, "apis.json", &want)
	want.Groups = slices.DeleteFunc(want.Groups, func(g metav1.APIGroup) bool { return api.Group(g.Name) == nil })
	for i := range want.Groups {
		g := &want.Groups[i]
		g.Versions = slices.DeleteFunc(g.Versions, func(v metav1.GroupVersionForDiscovery) bool { return v.Version != "v1" })
	}
	if len(want.Groups) < 4 {
		t.Errorf("only %d groups are served", len(want.Groups))
	}
	got := api.Groups()
	got.Groups = slices.DeleteFunc(got.Groups, func(g metav1.APIGroup) bool { return g.Name == metricsGroup })
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	var apps metav1.APIGroup
	upstream(t, "apis__apps.json", &apps)
	if diff := cmp.Diff(&apps, api.Group("apps")); diff != "" {
		t.Errorf("apps (-want +got):\n%s", diff)
	}
	var core metav1.APIVersions
	upstream(t, "api.json", &core)
	if diff := cmp.Diff(&core, api.CoreVersions("10.10.10.10:8050")); diff != "" {
		t.Errorf("core (-want +got):\n%s", diff)
	}
}

func TestAggregatedDiscoveryEqualsUpstream(t *testing.T) {
	var want apidiscoveryv2.APIGroupDiscoveryList
	upstream(t, "aggregated_v2.json", &want)
	want.Items = slices.DeleteFunc(want.Items, func(g apidiscoveryv2.APIGroupDiscovery) bool { return api.Group(g.Name) == nil })
	for i := range want.Items {
		g := &want.Items[i]
		g.Versions = slices.DeleteFunc(g.Versions, func(v apidiscoveryv2.APIVersionDiscovery) bool { return v.Version != "v1" })
		for j := range g.Versions {
			v := &g.Versions[j]
			gv := schema.GroupVersion{Group: g.Name, Version: v.Version}
			v.Resources = slices.DeleteFunc(v.Resources, func(r apidiscoveryv2.APIResourceDiscovery) bool { return !served(gv, r.Resource) })
		}
	}
	got := api.AggregatedGroups()
	if last := got.Items[len(got.Items)-1].Name; last != metricsGroup {
		t.Errorf("the last group is %s: clients must find nodes and pods before their measurements", last)
	}
	got.Items = slices.DeleteFunc(got.Items, func(g apidiscoveryv2.APIGroupDiscovery) bool { return g.Name == metricsGroup })
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("aggregated (-want +got):\n%s", diff)
	}
	if core := api.AggregatedCore(); len(core.Items) != 1 || len(core.Items[0].Versions[0].Resources) < 11 {
		t.Errorf("aggregated core: %v", core)
	}
}
