package kubelet

import (
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// cgroupParent is where the pod's cgroup lies, as upstream's cgroupfs driver names it: Guaranteed pods directly in kubepods, the
// others in their class.
func cgroupParent(pod *corev1.Pod) string {
	switch pod.Status.QOSClass {
	case corev1.PodQOSGuaranteed:
		return "/kubepods/pod" + string(pod.UID)
	case corev1.PodQOSBurstable:
		return "/kubepods/burstable/pod" + string(pod.UID)
	}
	return "/kubepods/besteffort/pod" + string(pod.UID)
}

// podResources are the limits of the pod's own cgroup: shares for what it asks for, and limits where every container has one, because
// otherwise nobody knows how much is too much (ResourceConfigForPod).
func podResources(pod *corev1.Pod) *runtimeapi.LinuxContainerResources {
	out := &runtimeapi.LinuxContainerResources{CpuShares: minShares}
	if pod.Status.QOSClass == corev1.PodQOSBestEffort || pod.Status.QOSClass == "" {
		return out
	}
	out.CpuShares = max(amount(corev1.ResourceCPU, podRequests(pod))*sharesPerCore/1000, minShares)
	limits := podLimits(pod)
	if cpu, all := limits[corev1.ResourceCPU]; all {
		out.CpuPeriod, out.CpuQuota = quotaPeriod, max(cpu.MilliValue()*quotaPeriod/1000, minQuota)
	}
	if memory, all := limits[corev1.ResourceMemory]; all {
		out.MemoryLimitInBytes = memory.Value()
	}
	return out
}

// podLimits are the pod's limits of what every container has a limit for, or the pod itself.
func podLimits(pod *corev1.Pod) corev1.ResourceList {
	sum := sumOfLimits(pod)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if !everyoneLimits(pod, name) {
			delete(sum, name)
		}
	}
	return sum
}

// sumOfLimits adds up what limits there are.
func sumOfLimits(pod *corev1.Pod) corev1.ResourceList {
	limited := pod.DeepCopy()
	for _, list := range [][]corev1.Container{limited.Spec.InitContainers, limited.Spec.Containers} {
		for i := range list {
			list[i].Resources.Requests = list[i].Resources.Limits
		}
	}
	if limited.Spec.Resources != nil {
		limited.Spec.Resources.Requests = limited.Spec.Resources.Limits
	}
	return podRequests(limited) // limits add up as requests do
}

func everyoneLimits(pod *corev1.Pod, name corev1.ResourceName) bool {
	if pod.Spec.Resources != nil {
		if limit := pod.Spec.Resources.Limits[name]; !limit.IsZero() {
			return true
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if limit := list[i].Resources.Limits[name]; limit.IsZero() {
				return false
			}
		}
	}
	return true
}
