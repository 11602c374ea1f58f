package api

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
	claimutil "k8s.io/kubernetes/pkg/api/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// persistentVolumeClaims may grow, and change their attributes; where they are bound is written once.
var persistentVolumeClaims = rules[*core.PersistentVolumeClaim]{
	create: func(claim *core.PersistentVolumeClaim) {
		claim.Status = core.PersistentVolumeClaimStatus{}
		claimutil.DropDisabledFields(&claim.Spec, nil)
		claimutil.EnforceDataSourceBackwardsCompatibility(&claim.Spec, nil)
		claimutil.NormalizeDataSources(&claim.Spec)
	},
	validate: func(claim *core.PersistentVolumeClaim) field.ErrorList {
		return validation.ValidatePersistentVolumeClaim(claim, validation.ValidationOptionsForPersistentVolumeClaim(claim, nil))
	},
	warn: func(claim *core.PersistentVolumeClaim) []string {
		return claimutil.GetWarningsForPersistentVolumeClaim(claim)
	},
	update: change[*core.PersistentVolumeClaim]{
		prepareFunc: func(obj, old *core.PersistentVolumeClaim) {
			obj.Status = old.Status
			claimutil.DropDisabledFields(&obj.Spec, &old.Spec)
			claimutil.EnforceDataSourceBackwardsCompatibility(&obj.Spec, &old.Spec)
			claimutil.NormalizeDataSources(&obj.Spec)
			claimutil.NormalizeDataSources(&old.Spec) // or one that was stored before both fields were filled could not be updated
		},
		validateFunc: func(obj, old *core.PersistentVolumeClaim) field.ErrorList {
			return validation.ValidatePersistentVolumeClaimUpdate(obj, old, validation.ValidationOptionsForPersistentVolumeClaim(obj, old))
		},
		warnFunc: func(obj, _ *core.PersistentVolumeClaim) []string {
			return claimutil.GetWarningsForPersistentVolumeClaim(obj)
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*core.PersistentVolumeClaim]{
		"status": {
			prepareFunc: func(obj, old *core.PersistentVolumeClaim) {
				obj.Spec = old.Spec
				claimutil.DropDisabledFieldsFromStatus(obj, old)
			},
			validateFunc: func(obj, old *core.PersistentVolumeClaim) field.ErrorList {
				return validation.ValidatePersistentVolumeClaimStatusUpdate(obj, old, validation.ValidationOptionsForPersistentVolumeClaim(obj, old))
			},
			reset: []string{"spec"},
		},
	},
}
