package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	volumeutil "k8s.io/kubernetes/pkg/api/persistentvolume"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	volumevalidation "k8s.io/kubernetes/pkg/volume/validation"
)

// persistentVolumes are born Pending; what they are made of is for life.
var persistentVolumes = rules[*core.PersistentVolume]{
	create: func(pv *core.PersistentVolume) {
		now := metav1.Now()
		pv.Status = core.PersistentVolumeStatus{Phase: core.VolumePending, LastPhaseTransitionTime: &now}
		volumeutil.DropDisabledSpecFields(&pv.Spec, nil)
	},
	validate: func(pv *core.PersistentVolume) field.ErrorList {
		errs := validation.ValidatePersistentVolume(pv, validation.ValidationOptionsForPersistentVolume(pv, nil))
		return append(errs, volumevalidation.ValidatePersistentVolume(pv)...)
	},
	warn: func(pv *core.PersistentVolume) []string { return volumeutil.GetWarningsForPersistentVolume(pv) },
	update: change[*core.PersistentVolume]{
		prepareFunc: func(obj, old *core.PersistentVolume) {
			obj.Status = old.Status
			volumeutil.DropDisabledSpecFields(&obj.Spec, &old.Spec)
		},
		validateFunc: func(obj, old *core.PersistentVolume) field.ErrorList {
			opts := validation.ValidationOptionsForPersistentVolume(obj, old)
			errs := append(validation.ValidatePersistentVolume(obj, opts), volumevalidation.ValidatePersistentVolume(obj)...)
			return append(errs, validation.ValidatePersistentVolumeUpdate(obj, old, opts)...)
		},
		warnFunc: func(obj, _ *core.PersistentVolume) []string { return volumeutil.GetWarningsForPersistentVolume(obj) },
		reset:    []string{"status"},
	},
	subresources: map[string]change[*core.PersistentVolume]{
		"status": {
			prepareFunc: func(obj, old *core.PersistentVolume) {
				obj.Spec = old.Spec
				noteTransition(&obj.Status, &old.Status)
			},
			validateFunc: validation.ValidatePersistentVolumeStatusUpdate,
			reset:        []string{"spec"},
		},
	},
}

// noteTransition keeps the time of the last change of phase for a writer who does not.
func noteTransition(status, old *core.PersistentVolumeStatus) {
	given := status.LastPhaseTransitionTime
	switch {
	case status.Phase == old.Phase && given == nil:
		status.LastPhaseTransitionTime = old.LastPhaseTransitionTime
	case status.Phase != old.Phase && (given == nil || given.Equal(old.LastPhaseTransitionTime)):
		now := metav1.Now()
		status.LastPhaseTransitionTime = &now
	}
}
