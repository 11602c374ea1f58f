package api

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
	storageutil "k8s.io/kubernetes/pkg/api/storage"
	"k8s.io/kubernetes/pkg/apis/storage"
	"k8s.io/kubernetes/pkg/apis/storage/validation"
)

// storageClasses tell a provisioner how to make volumes; volumes that exist do not change with them, so neither do they.
var storageClasses = rules[*storage.StorageClass]{
	validate: validation.ValidateStorageClass,
	warn:     storageutil.GetWarningsForStorageClass,
	update: change[*storage.StorageClass]{
		validateFunc: func(obj, old *storage.StorageClass) field.ErrorList {
			return append(validation.ValidateStorageClass(obj), validation.ValidateStorageClassUpdate(obj, old)...)
		},
		warnFunc: func(obj, _ *storage.StorageClass) []string { return storageutil.GetWarningsForStorageClass(obj) },
	},
}

// volumeAttributesClasses are what can be changed of a volume that exists, by naming another class.
var volumeAttributesClasses = rules[*storage.VolumeAttributesClass]{
	validate: validation.ValidateVolumeAttributesClass,
	update:   change[*storage.VolumeAttributesClass]{validateFunc: validation.ValidateVolumeAttributesClassUpdate},
}
