package api

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// networkKinds are the kinds by which pods are found and reached.
func networkKinds() []*Resource {
	core := corev1.SchemeGroupVersion
	return []*Resource{
		{
			GroupVersionResource: core.WithResource("services"), Kind: "Service", ShortNames: []string{"svc"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: []Subresource{
				{Name: "proxy", Verbs: proxyVerbs, Kind: core.WithKind("ServiceProxyOptions")},
				{Name: "status", Verbs: statusVerbs},
			},
			CreateOnUpdate: true, ReturnsDeleted: true, strategy: services,
		},
		{
			GroupVersionResource: discoveryv1.SchemeGroupVersion.WithResource("endpointslices"), Kind: "EndpointSlice", Namespaced: true,
			strategy: endpointSlices,
		},
	}
}
