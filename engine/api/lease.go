package api

import (
	"k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/apis/coordination"
	"k8s.io/kubernetes/pkg/apis/coordination/validation"
	"k8s.io/kubernetes/pkg/features"
)

// leases drop the fields of coordinated leader election while that is behind a feature gate.
var leases = rules[*coordination.Lease]{
	create:   func(lease *coordination.Lease) { dropElection(lease, &coordination.Lease{}) },
	validate: validation.ValidateLease,
	update:   change[*coordination.Lease]{prepareFunc: dropElection, validateFunc: validation.ValidateLeaseUpdate},
}

func dropElection(obj, old *coordination.Lease) {
	if feature.DefaultFeatureGate.Enabled(features.CoordinatedLeaderElection) {
		return
	}
	if old.Spec.Strategy == nil {
		obj.Spec.Strategy = nil
	}
	if old.Spec.PreferredHolder == nil {
		obj.Spec.PreferredHolder = nil
	}
}
