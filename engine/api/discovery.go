package api

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// groupOrder is upstream's: where two groups have a resource of one name, clients take the first.
var groupOrder = []string{
	"apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io",
	"networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io",
	"apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io",
	"metrics.k8s.io", // metrics-server's, which is added to a cluster later
}

// groups lists the named groups of the table in that order.
func groups() []string {
	var names []string
	for _, r := range table().listed {
		if r.Group != "" && !slices.Contains(names, r.Group) {
			names = append(names, r.Group)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return slices.Index(groupOrder, a) - slices.Index(groupOrder, b) })
	return names
}

// versionsOf lists the versions of a group, the preferred one first.
func versionsOf(group string) []schema.GroupVersion {
	var versions []schema.GroupVersion
	for _, r := range table().listed {
		if r.Group == group && !slices.Contains(versions, r.GroupVersion()) {
			versions = append(versions, r.GroupVersion())
		}
	}
	return versions
}

// CoreVersions answers GET /api. address is where the client reached the server, "127.0.0.1:6443".
func CoreVersions(address string) *metav1.APIVersions {
	out := &metav1.APIVersions{
		TypeMeta:                   metav1.TypeMeta{Kind: "APIVersions"},
		ServerAddressByClientCIDRs: []metav1.ServerAddressByClientCIDR{{ClientCIDR: "0.0.0.0/0", ServerAddress: address}},
	}
	for _, gv := range versionsOf("") {
		out.Versions = append(out.Versions, gv.Version)
	}
	return out
}

// Groups answers GET /apis.
func Groups() *metav1.APIGroupList {
	list := &metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for _, name := range groups() {
		group := *Group(name)
		group.TypeMeta = metav1.TypeMeta{}
		list.Groups = append(list.Groups, group)
	}
	return list
}

// Group answers GET /apis/apps; nil when there is no such group.
func Group(name string) *metav1.APIGroup {
	group := &metav1.APIGroup{TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}, Name: name}
	for _, gv := range versionsOf(name) {
		group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version})
	}
	if name == "" || len(group.Versions) == 0 {
		return nil
	}
	group.PreferredVersion = group.Versions[0]
	return group
}

// Resources answers GET /api/v1 and GET /apis/apps/v1; nil when there is no such version.
func Resources(gv schema.GroupVersion) *metav1.APIResourceList {
	list := &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: gv.String()}
	if gv.Group != "" {
		list.APIVersion = "v1"
	}
	for _, r := range table().listed {
		if r.GroupVersion() == gv {
			list.APIResources = append(list.APIResources, r.describe()...)
		}
	}
	if len(list.APIResources) == 0 {
		return nil
	}
	return list
}

func (r *Resource) describe() []metav1.APIResource {
	out := []metav1.APIResource{{
		Name: r.Resource, SingularName: r.Singular, Namespaced: r.Namespaced, Kind: r.Kind, Verbs: r.Verbs,
		ShortNames: r.ShortNames, Categories: r.Categories, StorageVersionHash: r.storageHash(),
	}}
	for _, sub := range r.Subresources {
		entry := metav1.APIResource{Name: r.Resource + "/" + sub.Name, Namespaced: r.Namespaced, Kind: sub.Kind.Kind, Verbs: sub.Verbs}
		if sub.Kind.GroupVersion() != r.GroupVersion() {
			entry.Group, entry.Version = sub.Kind.Group, sub.Kind.Version
		}
		out = append(out, entry)
	}
	return out
}

// storageHash is what upstream hashes: the first eight bytes of SHA-256 of the stored kind's name. Virtual kinds have none.
func (r *Resource) storageHash() string {
	if r.strategy == nil {
		return ""
	}
	stored := r.Storage.Group + "/" + r.Storage.Version + "/" + r.Kind
	sum := sha256.Sum256([]byte(stored))
	return base64.StdEncoding.EncodeToString(sum[:8])
}

// AggregatedCore answers GET /api for clients that accept application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList.
func AggregatedCore() *apidiscoveryv2.APIGroupDiscoveryList {
	return aggregated("")
}

// AggregatedGroups answers GET /apis for the same clients.
func AggregatedGroups() *apidiscoveryv2.APIGroupDiscoveryList {
	return aggregated(groups()...)
}

func aggregated(names ...string) *apidiscoveryv2.APIGroupDiscoveryList {
	list := &apidiscoveryv2.APIGroupDiscoveryList{}
	list.SetGroupVersionKind(apidiscoveryv2.SchemeGroupVersion.WithKind("APIGroupDiscoveryList"))
	for _, name := range names {
		group := apidiscoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for _, gv := range versionsOf(name) {
			group.Versions = append(group.Versions, aggregatedVersion(gv))
		}
		list.Items = append(list.Items, group)
	}
	return list
}

func aggregatedVersion(gv schema.GroupVersion) apidiscoveryv2.APIVersionDiscovery {
	version := apidiscoveryv2.APIVersionDiscovery{Version: gv.Version, Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent}
	for _, r := range table().listed {
		if r.GroupVersion() == gv {
			version.Resources = append(version.Resources, r.describeAggregated())
		}
	}
	return version
}

func (r *Resource) describeAggregated() apidiscoveryv2.APIResourceDiscovery {
	scope := apidiscoveryv2.ScopeCluster
	if r.Namespaced {
		scope = apidiscoveryv2.ScopeNamespace
	}
	out := apidiscoveryv2.APIResourceDiscovery{
		Resource: r.Resource, ResponseKind: responseKind(r.GVK(), r.GroupVersion()), Scope: scope, SingularResource: r.Singular,
		Verbs: r.Verbs, ShortNames: r.ShortNames, Categories: r.Categories,
	}
	for _, sub := range r.Subresources {
		out.Subresources = append(out.Subresources, apidiscoveryv2.APISubresourceDiscovery{
			Subresource: sub.Name, ResponseKind: responseKind(sub.Kind, r.GroupVersion()), Verbs: sub.Verbs,
		})
	}
	return out
}

// responseKind names the group and version only where they differ from the path's, as upstream does.
func responseKind(gvk schema.GroupVersionKind, gv schema.GroupVersion) *metav1.GroupVersionKind {
	if gvk.GroupVersion() == gv {
		return &metav1.GroupVersionKind{Kind: gvk.Kind}
	}
	return &metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}
}
