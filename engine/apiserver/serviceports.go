package apiserver

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// ports gives every port a node port when the type wants them. One number serves TCP and UDP of the same service port.
func (a *allocation) ports() error {
	held := map[int32]bool{}
	for _, port := range nodePortsOf(a.before) {
		held[port] = true
	}
	if !hasNodePorts(a.svc) {
		a.dropped.Spec.Ports = a.before.Spec.Ports // the kind's strategy clears them in svc
		return nil
	}
	byNumber := map[int32]int32{}
	for _, p := range a.svc.Spec.Ports {
		if p.NodePort != 0 {
			byNumber[p.Port] = p.NodePort
		}
	}
	for i := range a.svc.Spec.Ports {
		if err := a.port(i, held, byNumber); err != nil {
			return err
		}
	}
	for _, port := range nodePortsOf(a.before) {
		if !containsPort(nodePortsOf(a.svc), port) {
			a.dropped.Spec.Ports = append(a.dropped.Spec.Ports, corev1.ServicePort{NodePort: port})
		}
	}
	return nil
}

func (a *allocation) port(i int, held map[int32]bool, byNumber map[int32]int32) error {
	p := &a.svc.Spec.Ports[i]
	if p.NodePort == 0 {
		p.NodePort = a.heldBefore(*p)
	}
	if p.NodePort == 0 && !wantsNodePorts(a.svc) {
		return nil // none is made up, but one that the user asks for is kept
	}
	if p.NodePort == 0 {
		p.NodePort = byNumber[p.Port]
	}
	if p.NodePort == 0 {
		port, ok := a.s.nodePorts.any()
		if !ok {
			return internalError(fmt.Errorf("failed to allocate a nodePort: range is full"))
		}
		a.gotPorts = append(a.gotPorts, port)
		p.NodePort, held[port] = port, true
	}
	byNumber[p.Port] = p.NodePort
	if held[p.NodePort] {
		return nil
	}
	path := field.NewPath("spec", "ports").Index(i).Child("nodePort")
	if p.NodePort < a.s.nodePorts.first || p.NodePort > a.s.nodePorts.last {
		return a.refuse(path, p.NodePort, fmt.Sprintf("provided port is not in the valid range. The range of valid ports is %d-%d",
			a.s.nodePorts.first, a.s.nodePorts.last))
	}
	if !a.s.nodePorts.take(p.NodePort) {
		return a.refuse(path, p.NodePort, "provided port is already allocated")
	}
	a.gotPorts, held[p.NodePort] = append(a.gotPorts, p.NodePort), true
	return nil
}

// heldBefore is the node port that the same port had: an update that leaves it out keeps it.
func (a *allocation) heldBefore(p corev1.ServicePort) int32 {
	for _, old := range a.before.Spec.Ports {
		if old.Port == p.Port && old.Protocol == p.Protocol {
			return old.NodePort
		}
	}
	return 0
}

// hasNodePorts tells whether the type knows node ports at all.
func hasNodePorts(svc *corev1.Service) bool {
	return svc.Spec.Type == corev1.ServiceTypeNodePort || svc.Spec.Type == corev1.ServiceTypeLoadBalancer
}

// wantsNodePorts tells whether each port is to have one.
func wantsNodePorts(svc *corev1.Service) bool {
	return hasNodePorts(svc) && (svc.Spec.Type == corev1.ServiceTypeNodePort || ptr.Deref(svc.Spec.AllocateLoadBalancerNodePorts, true))
}

// healthPort gives a balancer that must know which nodes have a pod a port to ask them on.
func (a *allocation) healthPort() error {
	had, needs := asksNodes(a.before), asksNodes(a.svc)
	spec := &a.svc.Spec
	switch {
	case had && needs:
		if spec.HealthCheckNodePort == 0 {
			spec.HealthCheckNodePort = a.before.Spec.HealthCheckNodePort
		}
	case had:
		a.dropped.Spec.HealthCheckNodePort = a.before.Spec.HealthCheckNodePort
	case needs && spec.HealthCheckNodePort == 0:
		port, ok := a.s.nodePorts.any()
		if !ok {
			return internalError(errors.New("failed to allocate a HealthCheck NodePort 0: range is full"))
		}
		a.gotPorts, spec.HealthCheckNodePort = append(a.gotPorts, port), port
	case needs:
		if !a.s.nodePorts.take(spec.HealthCheckNodePort) {
			return internalError(fmt.Errorf("failed to allocate requested HealthCheck NodePort %v: provided port is already allocated", spec.HealthCheckNodePort))
		}
		a.gotPorts = append(a.gotPorts, spec.HealthCheckNodePort)
	}
	return nil
}

func asksNodes(svc *corev1.Service) bool {
	return svc.Spec.Type == corev1.ServiceTypeLoadBalancer && svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
}

// portsHeld are all numbers that a service holds.
func portsHeld(svc *corev1.Service) []int32 {
	ports := nodePortsOf(svc)
	if svc.Spec.HealthCheckNodePort != 0 {
		ports = append(ports, svc.Spec.HealthCheckNodePort)
	}
	return ports
}

func nodePortsOf(svc *corev1.Service) []int32 {
	var ports []int32
	for _, p := range svc.Spec.Ports {
		if p.NodePort != 0 && !containsPort(ports, p.NodePort) {
			ports = append(ports, p.NodePort)
		}
	}
	return ports
}

func containsPort(ports []int32, port int32) bool {
	for _, p := range ports {
		if p == port {
			return true
		}
	}
	return false
}
