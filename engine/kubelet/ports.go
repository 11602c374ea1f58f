package kubelet

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// portsConflict says whether two pods want the same port of the node. The scheduler has asked that already; a pod that did not come
// from it (static, or with nodeName set) is asked here.
func portsConflict(a, b *corev1.Pod) bool {
	theirs := hostPorts(b)
	return slices.ContainsFunc(hostPorts(a), func(mine corev1.ContainerPort) bool {
		return slices.ContainsFunc(theirs, func(other corev1.ContainerPort) bool {
			return mine.HostPort == other.HostPort && protocolOf(mine) == protocolOf(other) &&
				(everyAddress(mine.HostIP) || everyAddress(other.HostIP) || mine.HostIP == other.HostIP)
		})
	})
}

// hostPorts are the ports of the node that the pod's lasting containers ask for.
func hostPorts(pod *corev1.Pod) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	take := func(c *corev1.Container) {
		for _, p := range c.Ports {
			if p.HostPort > 0 {
				ports = append(ports, p)
			}
		}
	}
	for i := range pod.Spec.Containers {
		take(&pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		if isSidecar(&pod.Spec.InitContainers[i]) {
			take(&pod.Spec.InitContainers[i])
		}
	}
	return ports
}

func protocolOf(p corev1.ContainerPort) corev1.Protocol {
	if p.Protocol == "" {
		return corev1.ProtocolTCP
	}
	return p.Protocol
}

func everyAddress(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }
