package api

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// networkKinds are the kinds by which pods are found and reached.
func networkKinds() []*Resource {
	core, networking := corev1.SchemeGroupVersion, networkingv1.SchemeGroupVersion
	return []*Resource{
		{
			GroupVersionResource: core.WithResource("endpoints"), Kind: "Endpoints", ShortNames: []string{"ep"}, Namespaced: true,
			CreateOnUpdate: true, strategy: endpoints,
		},
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
		{
			GroupVersionResource: networking.WithResource("ingressclasses"), Kind: "IngressClass", strategy: ingressClasses,
		},
		{
			GroupVersionResource: networking.WithResource("ingresses"), Kind: "Ingress", ShortNames: []string{"ing"}, Namespaced: true,
			Subresources: statusOnly(), strategy: ingresses,
		},
		{
			GroupVersionResource: networking.WithResource("ipaddresses"), Kind: "IPAddress", ShortNames: []string{"ip"}, strategy: ipAddresses,
		},
		{
			GroupVersionResource: networking.WithResource("networkpolicies"), Kind: "NetworkPolicy", ShortNames: []string{"netpol"}, Namespaced: true,
			strategy: networkPolicies,
		},
		{
			GroupVersionResource: networking.WithResource("servicecidrs"), Kind: "ServiceCIDR", Subresources: statusOnly(), strategy: serviceCIDRs,
		},
	}
}
