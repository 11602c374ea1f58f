package proxy

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Labels by which a Service says that this proxy has no business with it.
const (
	labelServiceProxyName = "service.kubernetes.io/service-proxy-name"
	labelHeadless         = corev1.IsHeadlessService
)

// name is a Service's namespace and name.
type name struct{ namespace, name string }

func (n name) String() string { return n.namespace + "/" + n.name }

// portID names one port of one Service.
type portID struct {
	service  name
	port     string // "" for the only, unnamed one
	protocol corev1.Protocol
}

// servicePort is what the kernel must know of one port: where it is reached and where it leads.
type servicePort struct {
	id        portID
	address   netip.AddrPort // cluster address and port
	nodePort  uint16         // 0 for none
	endpoints []netip.AddrPort
}

// equal says whether two ports need the same rules.
func (p *servicePort) equal(q *servicePort) bool {
	return p.sameFront(q) && slices.Equal(p.endpoints, q.endpoints)
}

// sameFront says whether two ports are reached in the same way.
func (p *servicePort) sameFront(q *servicePort) bool {
	return p.address == q.address && p.nodePort == q.nodePort && (len(p.endpoints) == 0) == (len(q.endpoints) == 0)
}

// chain names the chain that picks an endpoint, in upstream's form: a hash that makes it unique, then what a person wants to read.
func (p *servicePort) chain() string {
	text := fmt.Sprintf("%s/%s/%s", p.id.service, strings.ToLower(string(p.id.protocol)), p.id.port)
	sum := sha256.Sum256([]byte(text))
	return "service-" + base32.StdEncoding.EncodeToString(sum[:])[:8] + "-" + text
}

// nodePortChain marks what comes in through the node's port for masquerading, then goes on to chain.
func (p *servicePort) nodePortChain() string {
	return "external-" + strings.TrimPrefix(p.chain(), "service-")
}

// servicePorts are the ports of one Service with the endpoints its slices give them; none when the Service has no cluster address.
//
// Kubernetes: internalTrafficPolicy and externalTrafficPolicy Local, topology hints, and session affinity change which
// endpoints a node uses; here every node uses all of them.
func servicePorts(service *corev1.Service, slices []*discoveryv1.EndpointSlice) []*servicePort {
	ip, err := netip.ParseAddr(service.Spec.ClusterIP)
	if err != nil || !ip.Is4() || service.Spec.Type == corev1.ServiceTypeExternalName || foreign(service) {
		return nil
	}
	var ports []*servicePort
	for i := range service.Spec.Ports {
		spec := &service.Spec.Ports[i]
		if spec.Protocol != corev1.ProtocolTCP && spec.Protocol != corev1.ProtocolUDP {
			continue
		}
		id := portID{name{service.Namespace, service.Name}, spec.Name, spec.Protocol}
		ports = append(ports, &servicePort{
			id: id, address: netip.AddrPortFrom(ip, uint16(spec.Port)), nodePort: uint16(spec.NodePort),
			endpoints: endpointsOf(id, slices),
		})
	}
	return ports
}

func foreign(service *corev1.Service) bool {
	_, other := service.Labels[labelServiceProxyName]
	_, headless := service.Labels[labelHeadless]
	return other || headless
}

// endpointsOf are the ready endpoints of a port, sorted; when there is none, those that are on their way out but still serve (KEP-1669).
func endpointsOf(id portID, all []*discoveryv1.EndpointSlice) []netip.AddrPort {
	var ready, leaving []netip.AddrPort
	for _, slice := range all {
		port, found := slicePort(slice, id)
		if !found || slice.AddressType != discoveryv1.AddressTypeIPv4 {
			continue
		}
		for i := range slice.Endpoints {
			endpoint := &slice.Endpoints[i]
			if len(endpoint.Addresses) == 0 {
				continue
			}
			ip, err := netip.ParseAddr(endpoint.Addresses[0]) // the others are the same endpoint
			if err != nil {
				continue
			}
			c := endpoint.Conditions
			switch {
			case c.Ready == nil || *c.Ready:
				ready = append(ready, netip.AddrPortFrom(ip, port))
			case c.Terminating != nil && *c.Terminating && c.Serving != nil && *c.Serving:
				leaving = append(leaving, netip.AddrPortFrom(ip, port))
			}
		}
	}
	if len(ready) == 0 {
		ready = leaving
	}
	slices.SortFunc(ready, func(a, b netip.AddrPort) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Port(), b.Port()))
	})
	return slices.Compact(ready)
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
