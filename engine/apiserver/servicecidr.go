package apiserver

import (
	"context"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/api"
	"drydock/engine/store"
)

var (
	serviceCIDRKind = api.Lookup(networkingv1.SchemeGroupVersion.WithResource("servicecidrs"))
	ipAddressKind   = api.Lookup(networkingv1.SchemeGroupVersion.WithResource("ipaddresses"))
)

// defaultServiceCIDR describes the range that the server was started with.
func (s *Server) defaultServiceCIDR() *networkingv1.ServiceCIDR {
	return &networkingv1.ServiceCIDR{
		ObjectMeta: metav1.ObjectMeta{Name: "kubernetes", Finalizers: []string{"networking.k8s.io/service-cidr-finalizer"}},
		Spec:       networkingv1.ServiceCIDRSpec{CIDRs: []string{s.options.ServiceCIDR.String()}},
	}
}

// freeAddress reserves an address of the default range that nobody has.
//
// Kubernetes: when it is full, the other ranges have their turn. Here an address of another range is to be had by asking for it.
func (s *Server) freeAddress() (netip.Addr, bool) {
	var passed []netip.Addr // somebody else's, whom the pool does not know
	defer func() {
		for _, address := range passed {
			s.addresses.release(address)
		}
	}()
	for {
		address, ok := s.addresses.any()
		if !ok || !s.heldByOther(address) {
			return address, ok
		}
		passed = append(passed, address)
	}
}

// heldByOther tells whether an IPAddress says that something which is no Service has the address.
func (s *Server) heldByOther(address netip.Addr) bool {
	e, err := s.stored(context.Background(), target{ipAddressKind, "", address.String()})
	if err != nil {
		return false // there is none
	}
	held := e.obj.(*networkingv1.IPAddress)
	return held.Labels[networkingv1.LabelManagedBy] != "ipallocator.k8s.io"
}

// inOtherRange tells whether a ServiceCIDR that is Ready has the address, and not as its first or last.
func (s *Server) inOtherRange(address netip.Addr) bool {
	page, err := s.store.List(context.Background(), store.ListOptions{Prefix: prefixKey(serviceCIDRKind, "")})
	if err != nil {
		return false
	}
	for _, kv := range page.KVs {
		e, err := s.entryOf(serviceCIDRKind, kv)
		if err != nil {
			continue
		}
		cidr := e.obj.(*networkingv1.ServiceCIDR)
		ready := meta.IsStatusConditionTrue(cidr.Status.Conditions, networkingv1.ServiceCIDRConditionReady)
		if ready && cidr.DeletionTimestamp == nil && slices.ContainsFunc(cidr.Spec.CIDRs, func(text string) bool { return offers(text, address) }) {
			return true
		}
	}
	return false
}

// offers leaves out the network's own address and the one for broadcasts.
func offers(text string, address netip.Addr) bool {
	prefix, err := netip.ParsePrefix(text)
	return err == nil && prefix.Contains(address) && address != prefix.Masked().Addr() && prefix.Contains(address.Next())
}
