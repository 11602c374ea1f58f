package api

import (
	"reflect"

	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/networking"
	"k8s.io/kubernetes/pkg/apis/networking/validation"
)

// networkPolicies have no status: whoever enforces them says nothing back.
var networkPolicies = rules[*networking.NetworkPolicy]{
	create: func(p *networking.NetworkPolicy) { p.Generation = 1 },
	validate: func(p *networking.NetworkPolicy) field.ErrorList {
		return validation.ValidateNetworkPolicy(p, validation.ValidationOptionsForNetworking(p, nil))
	},
	warn: blockWarnings,
	update: change[*networking.NetworkPolicy]{
		prepareFunc: func(obj, old *networking.NetworkPolicy) {
			// Not the semantic comparison: no peers and an empty list of peers are opposites here.
			if !reflect.DeepEqual(obj.Spec, old.Spec) {
				obj.Generation = old.Generation + 1
			}
		},
		validateFunc: func(obj, old *networking.NetworkPolicy) field.ErrorList {
			return validation.ValidateNetworkPolicyUpdate(obj, old, validation.ValidationOptionsForNetworking(obj, old))
		},
		warnFunc: func(obj, _ *networking.NetworkPolicy) []string { return blockWarnings(obj) },
	},
}

// blockWarnings finds address blocks that are written in an unusual way.
func blockWarnings(p *networking.NetworkPolicy) []string {
	var warnings []string
	look := func(path *field.Path, peers []networking.NetworkPolicyPeer) {
		for i, peer := range peers {
			if peer.IPBlock == nil {
				continue
			}
			at := path.Index(i).Child("ipBlock")
			warnings = append(warnings, utilvalidation.GetWarningsForCIDR(at.Child("cidr"), peer.IPBlock.CIDR)...)
			for j, except := range peer.IPBlock.Except {
				warnings = append(warnings, utilvalidation.GetWarningsForCIDR(at.Child("except").Index(j), except)...)
			}
		}
	}
	for i, rule := range p.Spec.Ingress {
		look(field.NewPath("spec", "ingress").Index(i).Child("from"), rule.From)
	}
	for i, rule := range p.Spec.Egress {
		look(field.NewPath("spec", "egress").Index(i).Child("to"), rule.To)
	}
	return warnings
}
