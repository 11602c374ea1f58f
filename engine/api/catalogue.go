package api

import (
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Verbs of ordinary resources, and of the ways below one object.
var (
	allVerbs     = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	noCollection = []string{"create", "delete", "get", "list", "patch", "update", "watch"}
	statusVerbs  = []string{"get", "patch", "update"}
	streamVerbs  = []string{"create", "get"}
	proxyVerbs   = []string{"create", "delete", "get", "patch", "update"}
)

// catalogue is the table of kinds. A row is all that discovery, storage and validation need to know.
func catalogue() []*Resource {
	core, apps := corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion
	return []*Resource{
		{
			GroupVersionResource: core.WithResource("configmaps"), Kind: "ConfigMap", ShortNames: []string{"cm"}, Namespaced: true,
			strategy: configMaps,
		},
		{
			GroupVersionResource: core.WithResource("events"), Kind: "Event", ShortNames: []string{"ev"}, Namespaced: true,
			CreateOnUpdate: true, NoDependents: true, strategy: events(corev1.SchemeGroupVersion),
		},
		{
			GroupVersionResource: core.WithResource("namespaces"), Kind: "Namespace", ShortNames: []string{"ns"}, Verbs: noCollection,
			Subresources: []Subresource{{Name: "finalize", Verbs: []string{"update"}}, {Name: "status", Verbs: statusVerbs}},
			strategy:     namespaces,
		},
		{
			GroupVersionResource: core.WithResource("nodes"), Kind: "Node", ShortNames: []string{"no"},
			Subresources: []Subresource{
				{Name: "proxy", Verbs: proxyVerbs, Kind: core.WithKind("NodeProxyOptions")},
				{Name: "status", Verbs: statusVerbs},
			},
			strategy: nodes,
		},
		{
			GroupVersionResource: core.WithResource("pods"), Kind: "Pod", ShortNames: []string{"po"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: podSubresources(), strategy: pods,
		},
		{
			GroupVersionResource: core.WithResource("secrets"), Kind: "Secret", Namespaced: true, strategy: secrets,
		},
		{
			GroupVersionResource: core.WithResource("serviceaccounts"), Kind: "ServiceAccount", ShortNames: []string{"sa"}, Namespaced: true,
			Subresources: []Subresource{{
				Name: "token", Verbs: []string{"create"},
				Kind: schema.GroupVersionKind{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenRequest"},
			}},
			strategy: serviceAccounts,
		},
		{
			GroupVersionResource: core.WithResource("services"), Kind: "Service", ShortNames: []string{"svc"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: []Subresource{
				{Name: "proxy", Verbs: proxyVerbs, Kind: core.WithKind("ServiceProxyOptions")},
				{Name: "status", Verbs: statusVerbs},
			},
			CreateOnUpdate: true, strategy: services,
		},
		{
			GroupVersionResource: apps.WithResource("deployments"), Kind: "Deployment", ShortNames: []string{"deploy"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: scalable(), strategy: deployments,
		},
		{
			GroupVersionResource: apps.WithResource("replicasets"), Kind: "ReplicaSet", ShortNames: []string{"rs"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: scalable(), strategy: replicaSets,
		},
		{
			GroupVersionResource: coordinationv1.SchemeGroupVersion.WithResource("leases"), Kind: "Lease", Namespaced: true,
			CreateOnUpdate: true, VersionRequired: true, strategy: leases,
		},
		{
			GroupVersionResource: discoveryv1.SchemeGroupVersion.WithResource("endpointslices"), Kind: "EndpointSlice", Namespaced: true,
			strategy: endpointSlices,
		},
		{
			GroupVersionResource: eventsv1.SchemeGroupVersion.WithResource("events"), Kind: "Event", ShortNames: []string{"ev"}, Namespaced: true,
			Storage: core.WithResource("events"), CreateOnUpdate: true, NoDependents: true, strategy: events(eventsv1.SchemeGroupVersion),
		},
	}
}

func podSubresources() []Subresource {
	core := corev1.SchemeGroupVersion
	return []Subresource{
		{Name: "attach", Verbs: streamVerbs, Kind: core.WithKind("PodAttachOptions")},
		{Name: "binding", Verbs: []string{"create"}, Kind: core.WithKind("Binding")},
		{Name: "eviction", Verbs: []string{"create"}, Kind: schema.GroupVersionKind{Group: "policy", Version: "v1", Kind: "Eviction"}},
		{Name: "exec", Verbs: streamVerbs, Kind: core.WithKind("PodExecOptions")},
		{Name: "log", Verbs: []string{"get"}},
		{Name: "portforward", Verbs: streamVerbs, Kind: core.WithKind("PodPortForwardOptions")},
		{Name: "proxy", Verbs: proxyVerbs, Kind: core.WithKind("PodProxyOptions")},
		{Name: "status", Verbs: statusVerbs},
	}
}

func scalable() []Subresource {
	return []Subresource{
		{Name: "scale", Verbs: statusVerbs, Kind: autoscalingv1.SchemeGroupVersion.WithKind("Scale")},
		{Name: "status", Verbs: statusVerbs},
	}
}

// index is the catalogue with the blanks filled in, in order, and ways to find a row.
type index struct {
	rows       []*Resource // kinds that are stored
	listed     []*Resource // these and the virtual ones
	byResource map[schema.GroupVersionResource]*Resource
	byKind     map[schema.GroupVersionKind]*Resource
}

var table = sync.OnceValue(func() *index {
	t := &index{rows: ordered(catalogue()), byResource: map[schema.GroupVersionResource]*Resource{}, byKind: map[schema.GroupVersionKind]*Resource{}}
	t.listed = ordered(append(virtual(), t.rows...))
	for _, r := range t.rows {
		t.byResource[r.GroupVersionResource] = r
		t.byKind[r.GVK()] = r
	}
	return t
})

func ordered(rows []*Resource) []*Resource {
	slices.SortFunc(rows, func(a, b *Resource) int {
		return strings.Compare(a.Group+"/"+a.Version+"/"+a.Resource, b.Group+"/"+b.Version+"/"+b.Resource)
	})
	for _, r := range rows {
		r.complete()
	}
	return rows
}

// complete fills in what most kinds have in common.
func (r *Resource) complete() {
	if r.Singular == "" {
		r.Singular = strings.ToLower(r.Kind)
	}
	if r.Verbs == nil {
		r.Verbs = allVerbs
	}
	if r.Storage.Empty() {
		r.Storage = r.GroupVersionResource
	}
	for i := range r.Subresources {
		if r.Subresources[i].Kind.Empty() {
			r.Subresources[i].Kind = r.GVK()
		}
	}
}
