package api

import (
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/features"
)

// nodes register themselves with a status already filled in, so creating one keeps it.
var nodes = rules[*core.Node]{
	create:   func(n *core.Node) { dropNodeFields(n, nil) },
	validate: validation.ValidateNode,
	warn:     nodeWarnings,
	update: change[*core.Node]{
		prepareFunc: func(obj, old *core.Node) {
			obj.Status = old.Status
			dropNodeFields(obj, old)
		},
		validateFunc: func(obj, old *core.Node) field.ErrorList {
			return append(validation.ValidateNode(obj), validation.ValidateNodeUpdate(obj, old)...)
		},
		warnFunc: func(obj, _ *core.Node) []string { return nodeWarnings(obj) },
		reset:    []string{"status"},
	},
	subresources: map[string]change[*core.Node]{
		"status": {
			prepareFunc: func(obj, old *core.Node) {
				obj.Spec = old.Spec
				if old.Status.Config == nil {
					obj.Status.Config = nil
				}
			},
			validateFunc: validation.ValidateNodeUpdate,
			reset:        []string{"spec"},
		},
	},
	fields: func(n *core.Node) fields.Set {
		return fields.Set{"spec.unschedulable": fmt.Sprint(n.Spec.Unschedulable)}
	},
	switches: func() map[string]bool { return gate(features.InPlacePodVerticalScalingSchedulerPreemption) },
}

// dropNodeFields clears what is behind a closed feature gate, unless the node had it already. old is nil on create.
func dropNodeFields(obj, old *core.Node) {
	if old == nil {
		obj.Status.Config = nil
		old = &core.Node{}
	}
	//nolint:staticcheck // deprecated, and therefore cleared
	if old.Spec.ConfigSource == nil {
		obj.Spec.ConfigSource = nil
	}
	open := feature.DefaultFeatureGate.Enabled
	if !open(features.RecursiveReadOnlyMounts) && !open(features.UserNamespacesSupport) {
		obj.Status.RuntimeHandlers = nil
	}
	if !open(features.SupplementalGroupsPolicy) && old.Status.Features == nil {
		obj.Status.Features = nil
	}
	if !open(features.NodeDeclaredFeatures) && old.Status.DeclaredFeatures == nil {
		obj.Status.DeclaredFeatures = nil
	}
	if !open(features.InPlacePodVerticalScalingSchedulerPreemption) && old.Spec.PodPreemptionPolicy == nil {
		obj.Spec.PodPreemptionPolicy = nil
	}
}

func nodeWarnings(n *core.Node) []string {
	var warnings []string
	if n.Spec.ConfigSource != nil { //nolint:staticcheck // deprecated, hence the warning
		warnings = append(warnings, "spec.configSource: the feature is removed")
	}
	if n.Spec.DoNotUseExternalID != "" {
		warnings = append(warnings, "spec.externalID: this field is deprecated, and is unused by Kubernetes")
	}
	path := field.NewPath("spec", "podCIDRs")
	for i, cidr := range n.Spec.PodCIDRs {
		warnings = append(warnings, utilvalidation.GetWarningsForCIDR(path.Index(i), cidr)...)
	}
	return warnings
}
