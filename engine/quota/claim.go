package quota

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
)

// ofClass joins a StorageClass and what is limited of it: gold.storageclass.storage.k8s.io/requests.storage.
const ofClass = ".storageclass.storage.k8s.io/"

func claimUses(name corev1.ResourceName) bool {
	if _, rest, ok := strings.Cut(string(name), ofClass); ok {
		name = corev1.ResourceName(rest)
	}
	return name == corev1.ResourcePersistentVolumeClaims || name == corev1.ResourceRequestsStorage
}

func claimUsage(claim *corev1.PersistentVolumeClaim) corev1.ResourceList {
	usage := corev1.ResourceList{
		Count(schema.GroupResource{Resource: "persistentvolumeclaims"}): number(1),
		corev1.ResourcePersistentVolumeClaims:                           number(1),
	}
	class, old := claim.Annotations[corev1.BetaStorageClassAnnotation]
	if !old {
		class = ptr.Deref(claim.Spec.StorageClassName, "")
	}
	byClass := func(name corev1.ResourceName) corev1.ResourceName { return corev1.ResourceName(class+ofClass) + name }
	if class != "" {
		usage[byClass(corev1.ResourcePersistentVolumeClaims)] = number(1)
	}
	size, ok := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if !ok {
		return usage
	}
	if allocated, ok := claim.Status.AllocatedResources[corev1.ResourceStorage]; ok && allocated.Cmp(size) > 0 {
		size = allocated
	}
	size = size.DeepCopy()
	size.RoundUp(0)
	usage[corev1.ResourceRequestsStorage] = size
	if class != "" {
		usage[byClass(corev1.ResourceRequestsStorage)] = size
	}
	return usage
}
