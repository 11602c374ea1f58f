package scheduler

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// nodePorts keeps two pods from asking for the same port of one node.
type nodePorts struct{}

var portTaken = &refusal{
	plugin: "NodePorts", reasons: []string{"node(s) didn't have free ports for the requested pod ports"}, victims: true,
}

// hostPort is a port of a node; address 0.0.0.0 stands for all its addresses.
type hostPort struct {
	address  string
	protocol corev1.Protocol
	port     int32
}

const everywhere = "0.0.0.0"

func portsOf(pod *corev1.Pod) []hostPort {
	var ports []hostPort
	sidecars := slices.DeleteFunc(slices.Clone(pod.Spec.InitContainers), func(c corev1.Container) bool {
		return c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways
	})
	for _, c := range append(sidecars, pod.Spec.Containers...) {
		for _, p := range c.Ports {
			if p.HostPort <= 0 {
				continue
			}
			port := hostPort{address: p.HostIP, protocol: p.Protocol, port: p.HostPort}
			if port.address == "" {
				port.address = everywhere
			}
			if port.protocol == "" {
				port.protocol = corev1.ProtocolTCP
			}
			ports = append(ports, port)
		}
	}
	return ports
}

func (a hostPort) conflicts(b hostPort) bool {
	return a.port == b.port && a.protocol == b.protocol &&
		(a.address == b.address || a.address == everywhere || b.address == everywhere)
}

func (nodePorts) Name() string { return "NodePorts" }

// Helps when a pod has given back a port that is asked for.
func (nodePorts) Helps(p *podInfo, e event) bool {
	return e.what&nodeAdded != 0 || e.what&podGone != 0 && portsClash(p, e.oldPod)
}

func (nodePorts) Filter(p *podInfo, n *nodeInfo) *refusal {
	if len(p.ports) == 0 {
		return nil
	}
	for _, other := range n.pods {
		if portsClash(p, other) {
			return portTaken
		}
	}
	return nil
}

func portsClash(p, other *podInfo) bool {
	return slices.ContainsFunc(other.ports, func(taken hostPort) bool { return slices.ContainsFunc(p.ports, taken.conflicts) })
}
