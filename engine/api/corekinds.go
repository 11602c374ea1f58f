package api

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// coreKinds are pods and what they cannot do without: nodes, namespaces, accounts, configuration, and the cluster's own bookkeeping.
func coreKinds() []*Resource {
	core := corev1.SchemeGroupVersion
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
			Subresources:   []Subresource{{Name: "finalize", Verbs: []string{"update"}}, {Name: "status", Verbs: statusVerbs}},
			ReturnsDeleted: true, strategy: namespaces,
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
			Subresources: podSubresources(), ReturnsDeleted: true, strategy: pods,
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
			ReturnsDeleted: true, strategy: serviceAccounts,
		},
		{
			GroupVersionResource: coordinationv1.SchemeGroupVersion.WithResource("leases"), Kind: "Lease", Namespaced: true,
			CreateOnUpdate: true, VersionRequired: true, strategy: leases,
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
		{Name: "ephemeralcontainers", Verbs: statusVerbs},
		{Name: "eviction", Verbs: []string{"create"}, Kind: schema.GroupVersionKind{Group: "policy", Version: "v1", Kind: "Eviction"}},
		{Name: "exec", Verbs: streamVerbs, Kind: core.WithKind("PodExecOptions")},
		{Name: "log", Verbs: []string{"get"}},
		{Name: "portforward", Verbs: streamVerbs, Kind: core.WithKind("PodPortForwardOptions")},
		{Name: "proxy", Verbs: proxyVerbs, Kind: core.WithKind("PodProxyOptions")},
		{Name: "resize", Verbs: statusVerbs},
		{Name: "status", Verbs: statusVerbs},
	}
}
