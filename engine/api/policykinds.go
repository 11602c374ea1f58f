package api

import (
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
)

// policyKinds are the kinds by which a cluster's owner says how much others may have, and what goes first.
func policyKinds() []*Resource {
	core := corev1.SchemeGroupVersion
	return []*Resource{
		{
			GroupVersionResource: core.WithResource("limitranges"), Kind: "LimitRange", ShortNames: []string{"limits"}, Namespaced: true,
			CreateOnUpdate: true, strategy: limitRanges, plain: true,
		},
		{
			GroupVersionResource: core.WithResource("resourcequotas"), Kind: "ResourceQuota", ShortNames: []string{"quota"}, Namespaced: true,
			Subresources: statusOnly(), strategy: resourceQuotas,
		},
		{
			GroupVersionResource: nodev1.SchemeGroupVersion.WithResource("runtimeclasses"), Kind: "RuntimeClass",
			CreateOnUpdate: true, VersionRequired: true, strategy: runtimeClasses,
		},
		{
			GroupVersionResource: policyv1.SchemeGroupVersion.WithResource("poddisruptionbudgets"), Kind: "PodDisruptionBudget", ShortNames: []string{"pdb"},
			Namespaced: true, Subresources: statusOnly(), VersionRequired: true, strategy: podDisruptionBudgets,
		},
		{
			GroupVersionResource: schedulingv1.SchemeGroupVersion.WithResource("priorityclasses"), Kind: "PriorityClass", ShortNames: []string{"pc"},
			strategy: priorityClasses,
		},
	}
}
