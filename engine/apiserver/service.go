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
		for _, port := range portsHeld(svc) {
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
	for _, port := range portsHeld(svc) {
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
	if err := a.ports(); err != nil {
		return err
	}
	return a.healthPort()
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
		return a.families()
	}
	if spec.ClusterIP == before.ClusterIP && spec.ClusterIP != "" {
		return a.families()
	}
	if err := a.takeAddress(); err != nil {
		return err
	}
	return a.families()
}

func (a *allocation) takeAddress() error {
	spec := &a.svc.Spec
	path := field.NewPath("spec", "clusterIPs")
	if spec.ClusterIP == "" {
		address, ok := a.s.freeAddress()
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
	if len(spec.ClusterIPs) == 0 {
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	if address.Is6() {
		return a.refuse(path.Index(0), spec.ClusterIPs, "IPv6 is not configured on this cluster")
	}
	if !a.s.options.ServiceCIDR.Contains(address) && !a.s.inOtherRange(address) {
		return a.refuse(path, spec.ClusterIPs, fmt.Sprintf(
			"failed to allocate IP %v: the provided network does not match the current range %v", address, a.s.options.ServiceCIDR))
	}
	if a.s.heldByOther(address) || !a.s.addresses.take(address) {
		return a.refuse(path, spec.ClusterIPs, fmt.Sprintf("failed to allocate IP %v: provided IP is already allocated", address))
	}
	a.gotAddress = address
	return nil
}

// families fills in the fields that came with dual-stack. Here there is only IPv4, but for a service without an address and
// without pods of its own: what its endpoints are is up to who writes them.
func (a *allocation) families() error {
	spec := &a.svc.Spec
	if len(spec.ClusterIPs) == 0 {
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	bare := spec.ClusterIP == corev1.ClusterIPNone && len(spec.Selector) == 0
	if spec.IPFamilyPolicy == nil {
		spec.IPFamilyPolicy = a.before.Spec.IPFamilyPolicy
	}
	if spec.IPFamilyPolicy == nil {
		spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicySingleStack)
		if bare {
			spec.IPFamilyPolicy = ptr.To(corev1.IPFamilyPolicyRequireDualStack)
		}
	}
	if len(spec.IPFamilies) == 0 {
		spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	if bare {
		a.bothFamilies()
		return nil
	}
	if *spec.IPFamilyPolicy == corev1.IPFamilyPolicyRequireDualStack {
		return a.refuse(field.NewPath("spec", "ipFamilyPolicy"), *spec.IPFamilyPolicy, "this cluster is not configured for dual-stack services")
	}
	for i, family := range spec.IPFamilies {
		if family != corev1.IPv4Protocol {
			return a.refuse(field.NewPath("spec", "ipFamilies").Index(i), family, "not configured on this cluster")
		}
	}
	return nil
}

func (a *allocation) bothFamilies() {
	spec := &a.svc.Spec
	if len(spec.IPFamilies) != 1 || *spec.IPFamilyPolicy == corev1.IPFamilyPolicySingleStack {
		return
	}
	other := corev1.IPv6Protocol
	if spec.IPFamilies[0] == corev1.IPv6Protocol {
		other = corev1.IPv4Protocol
	}
	spec.IPFamilies = append(spec.IPFamilies, other)
}

func (a *allocation) refuse(path *field.Path, value any, detail string) error {
	return apierrors.NewInvalid(serviceKind.GVK().GroupKind(), a.svc.Name, field.ErrorList{field.Invalid(path, value, detail)})
}
