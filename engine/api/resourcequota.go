package api

import (
	"fmt"

	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// resourceQuotas have no generation: admission and the controller both work from spec.hard as it stands.
var resourceQuotas = rules[*core.ResourceQuota]{
	create:   func(q *core.ResourceQuota) { q.Status = core.ResourceQuotaStatus{} },
	validate: validation.ValidateResourceQuota,
	warn:     quotaWarnings,
	update: change[*core.ResourceQuota]{
		prepareFunc:  func(obj, old *core.ResourceQuota) { obj.Status = old.Status },
		validateFunc: validation.ValidateResourceQuotaUpdate,
		reset:        []string{"status"},
	},
	subresources: map[string]change[*core.ResourceQuota]{
		"status": {
			prepareFunc:  func(obj, old *core.ResourceQuota) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateResourceQuotaStatusUpdate,
			reset:        []string{"spec"},
		},
	},
}

// quotaWarnings finds quotas that allow more to be requested than to be used.
func quotaWarnings(q *core.ResourceQuota) []string {
	var warnings []string
	for _, name := range []core.ResourceName{core.ResourceCPU, core.ResourceMemory, core.ResourceStorage, core.ResourceEphemeralStorage} {
		requests, limits := "requests."+name, "limits."+name
		request, requested := q.Spec.Hard[requests]
		if !requested && (name == core.ResourceCPU || name == core.ResourceMemory) {
			requests = name
			request, requested = q.Spec.Hard[requests]
		}
		limit, limited := q.Spec.Hard[limits]
		if requested && limited && request.Cmp(limit) > 0 {
			warnings = append(warnings, fmt.Sprintf("ResourceQuota %s (%s) should be less than %s (%s)", requests, request.String(), limits, limit.String()))
		}
	}
	return warnings
}
