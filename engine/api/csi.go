package api

import (
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/feature"
	storageutil "k8s.io/kubernetes/pkg/api/storage"
	"k8s.io/kubernetes/pkg/apis/storage"
	"k8s.io/kubernetes/pkg/apis/storage/validation"
	"k8s.io/kubernetes/pkg/features"
)

// csiDrivers say what a storage driver can and wants.
var csiDrivers = rules[*storage.CSIDriver]{
	create:   func(d *storage.CSIDriver) { dropDriverFields(d, &storage.CSIDriver{}) },
	validate: validation.ValidateCSIDriver,
	warn:     func(d *storage.CSIDriver) []string { return tokenWarning(d, &storage.CSIDriver{}) },
	update: change[*storage.CSIDriver]{
		prepareFunc: func(obj, old *storage.CSIDriver) {
			dropDriverFields(obj, old)
			if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
				obj.Generation = old.Generation + 1
			}
		},
		validateFunc: validation.ValidateCSIDriverUpdate,
		warnFunc:     tokenWarning,
	},
}

// dropDriverFields clears what is behind a closed feature gate, unless the driver had it already.
func dropDriverFields(obj, old *storage.CSIDriver) {
	open := feature.DefaultFeatureGate.Enabled
	if old.Spec.SELinuxMount == nil && !open(features.SELinuxMountReadWriteOncePod) {
		obj.Spec.SELinuxMount = nil
	}
	if old.Spec.ServiceAccountTokenInSecrets == nil && !open(features.CSIServiceAccountTokenSecrets) {
		obj.Spec.ServiceAccountTokenInSecrets = nil
	}
	if old.Spec.NodeAllocatableUpdatePeriodSeconds == nil && !open(features.MutableCSINodeAllocatableCount) {
		obj.Spec.NodeAllocatableUpdatePeriodSeconds = nil
	}
	if old.Spec.PreventPodSchedulingIfMissing == nil && !open(features.VolumeLimitScaling) {
		obj.Spec.PreventPodSchedulingIfMissing = nil
	}
}

func tokenWarning(obj, old *storage.CSIDriver) []string {
	same := equality.Semantic.DeepEqual(obj.Spec.TokenRequests, old.Spec.TokenRequests)
	if !feature.DefaultFeatureGate.Enabled(features.CSIServiceAccountTokenSecrets) || same ||
		len(obj.Spec.TokenRequests) == 0 || obj.Spec.ServiceAccountTokenInSecrets != nil {
		return nil
	}
	return []string{"spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes"}
}

// csiNodes say which drivers run on a node, and under which name each knows it.
var csiNodes = rules[*storage.CSINode]{
	create: func(n *storage.CSINode) {
		n.Status = storage.CSINodeStatus{}
		dropHealth(n, nil)
	},
	validate: validation.ValidateCSINode,
	update: change[*storage.CSINode]{
		prepareFunc: func(obj, old *storage.CSINode) {
			obj.Status = old.Status
			dropHealth(obj, old)
		},
		validateFunc: validation.ValidateCSINodeUpdate,
		reset:        []string{"status"},
	},
	subresources: map[string]change[*storage.CSINode]{
		"status": {
			prepareFunc: func(obj, old *storage.CSINode) {
				obj.Spec = old.Spec
				metav1.ResetObjectMetaForStatus(&obj.ObjectMeta, &old.ObjectMeta)
				dropHealth(obj, old)
			},
			validateFunc: validation.ValidateCSINodeStatusUpdate,
			reset:        []string{"metadata", "spec"},
		},
	},
}

func dropHealth(obj, old *storage.CSINode) {
	if !feature.DefaultFeatureGate.Enabled(features.CSIVolumeHealth) && (old == nil || len(old.Status.StorageHealth) == 0) {
		obj.Status.StorageHealth = nil
	}
}

// csiStorageCapacities say how much a driver has left in a part of the cluster.
var csiStorageCapacities = rules[*storage.CSIStorageCapacity]{
	validate: func(c *storage.CSIStorageCapacity) field.ErrorList {
		return validation.ValidateCSIStorageCapacity(c, validation.CSIStorageCapacityValidateOptions{})
	},
	warn: storageutil.GetWarningsForCSIStorageCapacity,
	update: change[*storage.CSIStorageCapacity]{
		validateFunc: func(obj, old *storage.CSIStorageCapacity) field.ErrorList {
			strict := metav1validation.LabelSelectorValidationOptions{}
			wasBad := len(metav1validation.ValidateLabelSelector(old.NodeTopology, strict, nil)) > 0
			errs := validation.ValidateCSIStorageCapacity(obj, validation.CSIStorageCapacityValidateOptions{AllowInvalidLabelValueInSelector: wasBad})
			return append(errs, validation.ValidateCSIStorageCapacityUpdate(obj, old)...)
		},
		warnFunc: func(obj, _ *storage.CSIStorageCapacity) []string {
			return storageutil.GetWarningsForCSIStorageCapacity(obj)
		},
	},
}

// volumeAttachments are wishes that a volume be attached to a node; the attacher answers in the status.
var volumeAttachments = rules[*storage.VolumeAttachment]{
	create:   func(a *storage.VolumeAttachment) { a.Status = storage.VolumeAttachmentStatus{} },
	validate: validation.ValidateVolumeAttachment,
	update: change[*storage.VolumeAttachment]{
		prepareFunc:  func(obj, old *storage.VolumeAttachment) { obj.Status = old.Status },
		validateFunc: validation.ValidateVolumeAttachmentUpdate,
		reset:        []string{"status"},
	},
	subresources: map[string]change[*storage.VolumeAttachment]{
		"status": {
			prepareFunc: func(obj, old *storage.VolumeAttachment) {
				obj.Spec = old.Spec
				metav1.ResetObjectMetaForStatus(&obj.ObjectMeta, &old.ObjectMeta)
			},
			validateFunc: validation.ValidateVolumeAttachmentUpdate,
			reset:        []string{"metadata", "spec"},
		},
	},
}
