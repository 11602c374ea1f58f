package api

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// storageKinds are volumes that outlive pods, and what is said about those who provide them.
func storageKinds() []*Resource {
	core, storage := corev1.SchemeGroupVersion, storagev1.SchemeGroupVersion
	return []*Resource{
		{
			GroupVersionResource: core.WithResource("persistentvolumeclaims"), Kind: "PersistentVolumeClaim", ShortNames: []string{"pvc"}, Namespaced: true,
			Subresources: statusOnly(), ReturnsDeleted: true, strategy: persistentVolumeClaims,
		},
		{
			GroupVersionResource: core.WithResource("persistentvolumes"), Kind: "PersistentVolume", ShortNames: []string{"pv"},
			Subresources: statusOnly(), ReturnsDeleted: true, strategy: persistentVolumes,
		},
		{
			GroupVersionResource: storage.WithResource("csidrivers"), Kind: "CSIDriver", VersionRequired: true, ReturnsDeleted: true,
			strategy: csiDrivers,
		},
		{
			GroupVersionResource: storage.WithResource("csinodes"), Kind: "CSINode", Subresources: statusOnly(), VersionRequired: true,
			ReturnsDeleted: true, strategy: csiNodes,
		},
		{
			GroupVersionResource: storage.WithResource("csistoragecapacities"), Kind: "CSIStorageCapacity", Namespaced: true, VersionRequired: true,
			strategy: csiStorageCapacities, plain: true,
		},
		{
			GroupVersionResource: storage.WithResource("storageclasses"), Kind: "StorageClass", ShortNames: []string{"sc"}, ReturnsDeleted: true,
			strategy: storageClasses,
		},
		{
			GroupVersionResource: storage.WithResource("volumeattachments"), Kind: "VolumeAttachment", Subresources: statusOnly(),
			VersionRequired: true, ReturnsDeleted: true, strategy: volumeAttachments,
		},
		{
			GroupVersionResource: storage.WithResource("volumeattributesclasses"), Kind: "VolumeAttributesClass", ShortNames: []string{"vac"},
			ReturnsDeleted: true, strategy: volumeAttributesClasses,
		},
	}
}
