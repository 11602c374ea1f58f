package kubelet

import (
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// enforceStorage ends the pods that have written more than they may, at once, and reports whether there was one. No kernel counts what a
// pod writes into a shared file system, so it is measured, every samplePeriod.
func (k *Kubelet) enforceStorage(stats []statsv1alpha1.PodStats) bool {
	any := false
	for _, c := range k.candidates(stats) {
		if message := k.overStorage(c.pod, c.stats); message != "" {
			c.w.end(ending{grace: evictionGrace, reason: "Evicted", event: "Evicted", failed: true, ownFault: true, message: message})
			any = true
		}
	}
	return any
}

// overStorage is what the pod has too much of, in upstream's words with their blank at the end, or "".
func (k *Kubelet) overStorage(pod *corev1.Pod, stats *statsv1alpha1.PodStats) string {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.EmptyDir == nil || v.EmptyDir.SizeLimit == nil || v.EmptyDir.SizeLimit.Sign() <= 0 || v.EmptyDir.Medium == corev1.StorageMediumMemory {
			continue // the kernel limits what is in memory
		}
		used := sizeBelow(filepath.Join(k.podDir(pod), "volumes", "kubernetes.io~empty-dir", v.Name))
		if exceeds(used, *v.EmptyDir.SizeLimit) {
			return fmt.Sprintf("Usage of EmptyDir volume %q exceeds the limit %q. ", v.Name, v.EmptyDir.SizeLimit)
		}
	}
	if limit, found := sumOfLimits(pod)[corev1.ResourceEphemeralStorage]; found && exceeds(uint64(storageOf(stats)), limit) {
		return fmt.Sprintf("Pod ephemeral local storage usage exceeds the total limit of containers %s. ", &limit)
	}
	for i := range stats.Containers {
		c := &stats.Containers[i]
		spec := findContainer(pod, c.Name)
		if spec == nil {
			continue
		}
		limit := spec.Resources.Limits[corev1.ResourceEphemeralStorage]
		if limit.IsZero() {
			continue
		}
		used := sizeBelow(filepath.Join(k.podLogDir(pod), c.Name))
		if c.Rootfs != nil {
			used += *c.Rootfs.UsedBytes
		}
		if exceeds(used, limit) {
			return fmt.Sprintf("Container %s exceeded its local ephemeral storage limit %q. ", c.Name, &limit)
		}
	}
	return ""
}

func exceeds(used uint64, limit resource.Quantity) bool {
	return resource.NewQuantity(int64(used), resource.BinarySI).Cmp(limit) > 0
}
