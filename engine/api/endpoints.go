package api

import (
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// endpoints are what EndpointSlices were when a service had a dozen pods.
var endpoints = rules[*core.Endpoints]{
	validate: validation.ValidateEndpointsCreate,
	warn:     endpointWarnings,
	update: change[*core.Endpoints]{
		validateFunc: validation.ValidateEndpointsUpdate,
		warnFunc:     func(obj, _ *core.Endpoints) []string { return endpointWarnings(obj) },
	},
}

// endpointWarnings spares the cluster's own controller, which writes addresses in canonical form.
func endpointWarnings(e *core.Endpoints) []string {
	if e.Labels["endpoints.kubernetes.io/managed-by"] == "endpoint-controller" {
		return nil
	}
	var warnings []string
	look := func(path *field.Path, addresses []core.EndpointAddress) {
		for i, address := range addresses {
			warnings = append(warnings, utilvalidation.GetWarningsForIP(path.Index(i).Child("ip"), address.IP)...)
		}
	}
	for i, subset := range e.Subsets {
		at := field.NewPath("subsets").Index(i)
		look(at.Child("addresses"), subset.Addresses)
		look(at.Child("notReadyAddresses"), subset.NotReadyAddresses)
	}
	return warnings
}
