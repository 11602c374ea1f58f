package proxy

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// choose fills in the endpoints. Ready ones are used; where there is none, those that are on their way out but still serve
// (KEP-1669), decided for the node and for the cluster separately, as upstream does.
func (p *servicePort) choose(node string, all []*discoveryv1.EndpointSlice) {
	ready, leaving := candidates(p.id, node, all)
	p.served = len(ready)+len(leaving) > 0
	if !p.internalLocal || p.reachedFromOutside() {
		p.endpoints = orElse(places(ready, false), places(leaving, false))
	}
	if p.internalLocal || p.externalLocal && p.reachedFromOutside() {
		p.local = orElse(places(ready, true), places(leaving, true))
	}
}

func orElse(first, second []netip.AddrPort) []netip.AddrPort {
	if len(first) > 0 {
		return first
	}
	return second
}

// places are where the candidates are, sorted, each once.
func places(candidates []endpoint, onlyLocal bool) []netip.AddrPort {
	var all []netip.AddrPort
	for _, c := range candidates {
		if c.local || !onlyLocal {
			all = append(all, c.at)
		}
	}
	slices.SortFunc(all, func(a, b netip.AddrPort) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Port(), b.Port()))
	})
	return slices.Compact(all)
}

// candidates are the endpoints of a port that are ready, and those that are leaving but still serve.
func candidates(id portID, node string, all []*discoveryv1.EndpointSlice) (ready, leaving []endpoint) {
	for _, slice := range all {
		port, found := slicePort(slice, id)
		if !found || slice.AddressType != discoveryv1.AddressTypeIPv4 {
			continue
		}
		for i := range slice.Endpoints {
			e := &slice.Endpoints[i]
			if len(e.Addresses) == 0 {
				continue
			}
			ip, err := netip.ParseAddr(e.Addresses[0]) // the others are the same endpoint
			if err != nil {
				continue
			}
			place := endpoint{netip.AddrPortFrom(ip, port), e.NodeName != nil && *e.NodeName == node}
			switch c := e.Conditions; {
			case c.Ready == nil || *c.Ready:
				ready = append(ready, place)
			case c.Terminating != nil && *c.Terminating && c.Serving != nil && *c.Serving:
				leaving = append(leaving, place)
			}
		}
	}
	return ready, leaving
}

func slicePort(slice *discoveryv1.EndpointSlice, id portID) (uint16, bool) {
	for _, port := range slice.Ports {
		portName, protocol := "", corev1.ProtocolTCP
		if port.Name != nil {
			portName = *port.Name
		}
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		if portName == id.port && protocol == id.protocol && port.Port != nil {
			return uint16(*port.Port), true
		}
	}
	return 0, false
}
