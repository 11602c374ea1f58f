package endpointslice

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"drydock/engine/controller"
)

// group is the endpoints that can share slices: the same family of addresses, the same meaning of every port.
type group struct {
	family    discoveryv1.AddressType
	ports     []discoveryv1.EndpointPort
	endpoints []discoveryv1.Endpoint // by address
}

// id tells groups apart.
func id(family discoveryv1.AddressType, ports []discoveryv1.EndpointPort) string {
	texts := []string{string(family)}
	for _, p := range ports {
		texts = append(texts, fmt.Sprintf("%s/%s/%d/%s", deref(p.Name), deref(p.Protocol), deref(p.Port), deref(p.AppProtocol)))
	}
	slices.Sort(texts[1:])
	return strings.Join(texts, ",")
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// groups computes the endpoints that a Service should have.
func (c *Controller) groups(svc *corev1.Service, pods []*corev1.Pod) map[string]*group {
	groups := map[string]*group{}
	for _, family := range families(svc) {
		for _, pod := range pods {
			address := addressOf(pod, family)
			if address == "" || controller.TerminalPod(pod) {
				continue
			}
			ports := portsOf(svc, pod)
			key := id(family, ports)
			if groups[key] == nil {
				groups[key] = &group{family: family, ports: ports}
			}
			groups[key].endpoints = append(groups[key].endpoints, c.endpoint(svc, pod, address))
		}
	}
	for _, g := range groups {
		slices.SortFunc(g.endpoints, func(a, b discoveryv1.Endpoint) int { return cmp.Compare(a.Addresses[0], b.Addresses[0]) })
	}
	return groups
}

// families are the kinds of addresses a Service has.
func families(svc *corev1.Service) []discoveryv1.AddressType {
	var types []discoveryv1.AddressType
	for _, family := range svc.Spec.IPFamilies {
		types = append(types, discoveryv1.AddressType(family))
	}
	if len(types) == 0 {
		return []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4}
	}
	return types
}

// addressOf is a pod's first address of a family, or "".
func addressOf(pod *corev1.Pod, family discoveryv1.AddressType) string {
	addresses := pod.Status.PodIPs
	if len(addresses) == 0 {
		addresses = []corev1.PodIP{{IP: pod.Status.PodIP}}
	}
	for _, a := range addresses {
		ip, err := netip.ParseAddr(a.IP)
		if err == nil && ip.Is4() == (family == discoveryv1.AddressTypeIPv4) {
			return a.IP
		}
	}
	return ""
}

// portsOf are the Service's ports as numbers in a pod. One whose name the pod does not know is not among them.
func portsOf(svc *corev1.Service, pod *corev1.Pod) []discoveryv1.EndpointPort {
	var ports []discoveryv1.EndpointPort
	for _, p := range svc.Spec.Ports {
		number, ok := targetPort(p, pod)
		if !ok {
			continue
		}
		name, protocol := p.Name, cmp.Or(p.Protocol, corev1.ProtocolTCP)
		ports = append(ports, discoveryv1.EndpointPort{Name: &name, Protocol: &protocol, Port: &number, AppProtocol: p.AppProtocol})
	}
	return ports
}

func targetPort(p corev1.ServicePort, pod *corev1.Pod) (int32, bool) {
	if p.TargetPort.StrVal == "" {
		return cmp.Or(p.TargetPort.IntVal, p.Port), true
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, port := range c.Ports {
			if port.Name == p.TargetPort.StrVal && cmp.Or(port.Protocol, corev1.ProtocolTCP) == cmp.Or(p.Protocol, corev1.ProtocolTCP) {
				return port.ContainerPort, true
			}
		}
	}
	return 0, false
}

// endpoint describes a pod.
func (c *Controller) endpoint(svc *corev1.Service, pod *corev1.Pod, address string) discoveryv1.Endpoint {
	serving, terminating := controller.Ready(pod), pod.DeletionTimestamp != nil
	// Who asks for addresses that are not ready wants them in DNS whatever their state.
	ready := svc.Spec.PublishNotReadyAddresses || serving && !terminating
	e := discoveryv1.Endpoint{
		Addresses:  []string{address},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
	}
	if name := pod.Spec.NodeName; name != "" {
		e.NodeName = &name
		if node, err := c.nodes.Get(name); err == nil {
			if zone, ok := node.Labels[corev1.LabelTopologyZone]; ok {
				e.Zone = &zone
			}
		}
	}
	if pod.Spec.Hostname != "" && pod.Spec.Subdomain == svc.Name && svc.Namespace == pod.Namespace {
		hostname := pod.Spec.Hostname
		e.Hostname = &hostname
	}
	return e
}
