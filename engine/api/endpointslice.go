package api

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/discovery"
	"k8s.io/kubernetes/pkg/apis/discovery/validation"
)

// endpointSlices have no status: all that is not metadata, and the labels, count as the generation.
var endpointSlices = rules[*discovery.EndpointSlice]{
	create: func(slice *discovery.EndpointSlice) {
		slice.Generation = 1
		dropTopology(slice, nil)
	},
	validate: validation.ValidateEndpointSliceCreate,
	warn: func(slice *discovery.EndpointSlice) []string {
		if slice.AddressType == discovery.AddressTypeFQDN {
			return append([]string{"spec.addressType: FQDN endpoints are deprecated"}, addressWarnings(slice, nil)...)
		}
		return addressWarnings(slice, nil)
	},
	update: change[*discovery.EndpointSlice]{
		prepareFunc:  updateEndpointSlice,
		validateFunc: validation.ValidateEndpointSliceUpdate,
		warnFunc:     addressWarnings,
	},
}

func updateEndpointSlice(obj, old *discovery.EndpointSlice) {
	content := func(slice *discovery.EndpointSlice) *discovery.EndpointSlice {
		bare := *slice
		bare.ObjectMeta = metav1.ObjectMeta{Labels: slice.Labels}
		return &bare
	}
	if !equality.Semantic.DeepEqual(content(obj), content(old)) {
		obj.Generation = old.Generation + 1
	}
	dropTopology(obj, old)
}

// dropTopology clears the field that v1 may not write, keeping the node's name that an older version kept in it.
func dropTopology(obj, old *discovery.EndpointSlice) {
	names := sets.New[string]()
	if old != nil {
		if equality.Semantic.DeepEqual(old.Endpoints, obj.Endpoints) {
			return
		}
		for _, e := range old.Endpoints {
			names.Insert(e.DeprecatedTopology[corev1.LabelHostname])
		}
	}
	for i := range obj.Endpoints {
		e := &obj.Endpoints[i]
		name, ok := e.DeprecatedTopology[corev1.LabelHostname]
		if e.NodeName == nil && ok && names.Has(name) && len(corevalidation.ValidateNodeName(name, false)) == 0 {
			e.NodeName = &name
		}
		e.DeprecatedTopology = nil
	}
}

// addressWarnings spares the slices of the cluster's own controllers, which write addresses in canonical form.
func addressWarnings(slice, _ *discovery.EndpointSlice) []string {
	switch slice.Labels[discoveryv1.LabelManagedBy] {
	case "endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io":
		return nil
	}
	var warnings []string
	for i, e := range slice.Endpoints {
		for j, address := range e.Addresses {
			path := field.NewPath("endpoints").Index(i).Child("addresses").Index(j)
			warnings = append(warnings, utilvalidation.GetWarningsForIP(path, address)...)
		}
	}
	return warnings
}
