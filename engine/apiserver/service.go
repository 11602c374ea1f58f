package apiserver

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"drydock/engine/store"
)

// Services get a cluster address and node ports before they are validated. What is taken is kept in memory and rebuilt
// from the store at start; a reservation becomes lasting when the write succeeds, and is undone when it does not.

// allocatedSoFar reads all services and notes what they hold.
func (s *Server) allocatedSoFar() (*addressPool, *portPool, error) {
	addresses, ports := newAddressPool(s.options.ServiceCIDR), newPortPool()
	page, err := s.store.List(context.Background(), store.ListOptions{Prefix: prefixKey(serviceKind, "")})
	if err != nil {
		return nil, nil, fmt.Errorf("read the services in the store: %w", err)
	}
	for _, kv := range page.KVs {
		e, err := s.entryOf(serviceKind, kv)
		if err != nil {
			return nil, nil, err
		}
		svc := e.obj.(*corev1.Service)
		for _, text := range svc.Spec.ClusterIPs {
			if address, err := netip.ParseAddr(text); err == nil {
				addresses.take(address)
			}
		}
		for _, port := range nodePortsOf(svc) {
			ports.take(port)
		}
	}
	return addresses, ports, nil
}

// allocate fills in what a service is to get and reserves it. The caller calls settle once, with whether the write went
// through. For other kinds, and for writes of a status, it does nothing.
func (s *Server) allocate(obj, old runtime.Object, by writer) (settle func(written bool), err error) {
	svc, ok := obj.(*corev1.Service)
	if !ok || by.subresource != "" {
		return func(bool) {}, nil
	}
	before, _ := old.(*corev1.Service)
	if before == nil {
		before = &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName}}
	}
	a := &allocation{s: s, svc: svc, before: before}
	if err := a.reserve(); err != nil {
		a.settle(false)
		return nil, err
	}
	return a.settle, nil
}

// releaseOf gives back what a deleted object held.
func (s *Server) releaseOf(obj runtime.Object) {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return
	}
	for _, text := range svc.Spec.ClusterIPs {
		if address, err := netip.ParseAddr(text); err == nil {
			s.addresses.release(address)
		}
	}
	for _, port := range nodePortsOf(svc) {
		s.nodePorts.release(port)
	}
}

// allocation is what one write of a service reserves, and what it gives back when it succeeds.
type allocation struct {
	s           *Server
	svc, before *corev1.Service

	gotAddress netip.Addr
	gotPorts   []int32
	dropped    corev1.Service // what before held and svc does not
}

func (a *allocation) reserve() error {
	if err := a.address(); err != nil {
		return err
	}
	return a.ports()
}

func (a *allocation) settle(written bool) {
	if written {
		a.s.releaseOf(&a.dropped)
		return
	}
	if a.gotAddress.IsValid() {
		a.s.addresses.release(a.gotAddress)
	}
	for _, port := range a.gotPorts {
		a.s.nodePorts.release(port)
	}
}

func (a *allocation) address() error {
	spec, before := &a.svc.Spec, &a.before.Spec
	if spec.Type == corev1.ServiceTypeExternalName {
		a.dropped.Spec.ClusterIPs = before.ClusterIPs
		return nil
	}
	if spec.ClusterIP == "" && len(spec.ClusterIPs) == 0 && before.Type != corev1.ServiceTypeExternalName {
		spec.ClusterIP, spec.ClusterIPs = before.ClusterIP, before.ClusterIPs // an update that leaves it out keeps it
	}
	if spec.ClusterIP == "" && len(spec.ClusterIPs) > 0 {
		spec.ClusterIP = spec.ClusterIPs[0]
	}
	if spec.ClusterIP == corev1.ClusterIPNone {
		a.families()
		return nil
	}
	if spec.ClusterIP == before.ClusterIP && spec.ClusterIP != "" {
		a.families()
		return nil
	}
	if err := a.takeAddress(); err != nil {
		return err
	}
	a.families()
	return nil
}

func (a *allocation) takeAddress() error {
	spec := &a.svc.Spec
	path := field.NewPath("spec", "clusterIPs")
	if spec.ClusterIP == "" {
		address, ok := a.s.addresses.any()
		if !ok {
			return internalError(fmt.Errorf("failed to allocate a serviceIP: range is full"))
		}
		a.gotAddress, spec.ClusterIP = address, address.String()
		return nil
	}
	address, err := netip.ParseAddr(spec.ClusterIP)
	if err != nil {
		return nil // validation says it better
	}
	if !a.s.options.ServiceCIDR.Contains(address) {
		return a.refuse(path, spec.ClusterIPs, fmt.Sprintf(
			"failed to allocate IP %v: the provided network does not match the current range %v", address, a.s.options.ServiceCIDR))
	}
	if !a.s.addresses.take(address) {
		return a.refuse(path, spec.ClusterIPs, fmt.Sprintf("failed to allocate IP %v: provided IP is already allocated", address))
	}
	a.gotAddress = address
	return nil
}

// families fills in the fields that came with dual-stack; here there is only IPv4.
func (a *allocation) families() {
	spec := &a.svc.Spec
	if len(spec.ClusterIPs) == 0 {
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	if len(spec.IPFamilies) == 0 {
		spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	if spec.IPFamilyPolicy == nil {
		spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicySingleStack)
	}
}

func (a *allocation) refuse(path *field.Path, value any, detail string) error {
	return apierrors.NewInvalid(serviceKind.GVK().GroupKind(), a.svc.Name, field.ErrorList{field.Invalid(path, value, detail)})
}

// ports gives every port a node port when the type wants them. One number serves TCP and UDP of the same service port.
func (a *allocation) ports() error {
	held := map[int32]bool{}
	for _, port := range nodePortsOf(a.before) {
		held[port] = true
	}
	if !usesNodePorts(a.svc) {
		a.dropped.Spec.Ports = a.before.Spec.Ports // the kind's strategy clears them in svc
		return nil
	}
	byNumber := map[int32]int32{}
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

func usesNodePorts(svc *corev1.Service) bool {
	switch svc.Spec.Type {
	case corev1.ServiceTypeNodePort:
		return true
	case corev1.ServiceTypeLoadBalancer:
		return ptr.Deref(svc.Spec.AllocateLoadBalancerNodePorts, true)
	}
	return false
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
