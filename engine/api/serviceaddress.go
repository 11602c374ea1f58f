package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/apis/networking"
	"k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/features"
)

// ipAddresses are service addresses that are taken: the name is the address, the parent who has it.
var ipAddresses = rules[*networking.IPAddress]{
	validate: validation.ValidateIPAddress,
	update: change[*networking.IPAddress]{
		validateFunc: func(obj, old *networking.IPAddress) field.ErrorList {
			return append(validation.ValidateIPAddress(obj), validation.ValidateIPAddressUpdate(obj, old)...)
		},
	},
}

// serviceCIDRs are the ranges that service addresses come from.
var serviceCIDRs = rules[*networking.ServiceCIDR]{
	create: func(c *networking.ServiceCIDR) {
		if wipesCIDRStatus() {
			c.Status = networking.ServiceCIDRStatus{}
		}
	},
	validate: validation.ValidateServiceCIDR,
	update: change[*networking.ServiceCIDR]{
		prepareFunc: func(obj, old *networking.ServiceCIDR) {
			if wipesCIDRStatus() {
				obj.Status = old.Status
			}
		},
		validateFunc: validation.ValidateServiceCIDRUpdate,
		reset:        []string{"status"},
	},
	subresources: map[string]change[*networking.ServiceCIDR]{
		"status": {
			prepareFunc: func(obj, old *networking.ServiceCIDR) {
				obj.Spec = old.Spec
				metav1.ResetObjectMetaForStatus(&obj.ObjectMeta, &old.ObjectMeta)
			},
			validateFunc: validation.ValidateServiceCIDRStatusUpdate,
			reset:        []string{"metadata", "spec"},
		},
	},
}

func wipesCIDRStatus() bool {
	return feature.DefaultFeatureGate.Enabled(features.ServiceCIDRStatusFieldWiping)
}
