package proxy

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

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

// endpoint is one place a port may lead to.
type endpoint struct {
	at    netip.AddrPort
	local bool // on this proxy's node
}

// servicePort is what the kernel must know of one port: where it is reached and where it leads.
type servicePort struct {
	id       portID
	address  netip.AddrPort // cluster address and port
	nodePort uint16         // 0 for none
	// external are the other addresses, with the same port: externalIPs and those of load balancers.
	external []netip.Addr
	// balancers are those of external that sources restricts, when it is not empty.
	balancers []netip.Addr
	sources   []netip.Prefix
	// internalLocal and externalLocal say that traffic to the cluster address, and to all others, must stay on its node.
	internalLocal, externalLocal bool
	// affinity is how long a client's address sticks to its endpoint; 0: not at all.
	affinity time.Duration
	// endpoints are those that traffic from anywhere may use, local those of this node. Both are sorted.
	endpoints, local []netip.AddrPort
	// served says whether there is an endpoint on any node.
	served bool
}

// reachedFromOutside says whether the port has an address besides its cluster address.
func (p *servicePort) reachedFromOutside() bool { return p.nodePort != 0 || len(p.external) > 0 }

// equal says whether two ports need the same rules.
func (p *servicePort) equal(q *servicePort) bool {
	return p.address == q.address && p.nodePort == q.nodePort && p.served == q.served && p.affinity == q.affinity &&
		p.internalLocal == q.internalLocal && p.externalLocal == q.externalLocal &&
		slices.Equal(p.external, q.external) && slices.Equal(p.balancers, q.balancers) && slices.Equal(p.sources, q.sources) &&
		slices.Equal(p.endpoints, q.endpoints) && slices.Equal(p.local, q.local)
}

// named names what belongs to the port in upstream's form: what it is, a hash that makes it unique, what a person wants to read.
func (p *servicePort) named(what string) string {
	text := fmt.Sprintf("%s/%s/%s", p.id.service, strings.ToLower(string(p.id.protocol)), p.id.port)
	sum := sha256.Sum256([]byte(text))
	return what + "-" + base32.StdEncoding.EncodeToString(sum[:])[:8] + "-" + text
}

// viewer is whom rules are for.
type viewer struct {
	node           string
	onlyClusterIPs bool
}

// servicePorts are the ports of one Service with the endpoints its slices give them, as whom they are for sees them; none when the
// Service has no cluster address.
func servicePorts(who viewer, service *corev1.Service, slices []*discoveryv1.EndpointSlice) []*servicePort {
	ip, err := netip.ParseAddr(service.Spec.ClusterIP)
	if err != nil || !ip.Is4() || service.Spec.Type == corev1.ServiceTypeExternalName || foreign(service) {
		return nil
	}
	var ports []*servicePort
	for i := range service.Spec.Ports {
		spec := &service.Spec.Ports[i]
		if protocolNumber(spec.Protocol) == 0 {
			continue
		}
		p := &servicePort{
			id:      portID{name{service.Namespace, service.Name}, spec.Name, spec.Protocol},
			address: netip.AddrPortFrom(ip, uint16(spec.Port)), nodePort: uint16(spec.NodePort),
		}
		if who.onlyClusterIPs {
			p.nodePort = 0
		} else {
			p.fronts(service)
		}
		p.policies(service)
		p.choose(who.node, slices)
		ports = append(ports, p)
	}
	return ports
}

// fronts notes the addresses besides the cluster address.
func (p *servicePort) fronts(service *corev1.Service) {
	add := func(text string) (netip.Addr, bool) {
		ip, err := netip.ParseAddr(text)
		if err != nil || !ip.Is4() || slices.Contains(p.external, ip) {
			return ip, false
		}
		p.external = append(p.external, ip)
		return ip, true
	}
	for _, text := range service.Spec.ExternalIPs {
		add(text)
	}
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return
	}
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if ingress.IPMode != nil && *ingress.IPMode != corev1.LoadBalancerIPModeVIP {
			continue // the balancer is a proxy of its own: what it sends arrives under another address (KEP-1860)
		}
		if ip, ok := add(ingress.IP); ok {
			p.balancers = append(p.balancers, ip)
		}
	}
	for _, text := range service.Spec.LoadBalancerSourceRanges {
		if source, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil && source.Addr().Is4() {
			p.sources = append(p.sources, source.Masked())
		}
	}
}

// policies notes which endpoints may be used, and by whom for how long.
func (p *servicePort) policies(service *corev1.Service) {
	spec := &service.Spec
	p.internalLocal = spec.InternalTrafficPolicy != nil && *spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal
	p.externalLocal = spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
	if spec.SessionAffinity == corev1.ServiceAffinityClientIP {
		p.affinity = time.Duration(corev1.DefaultClientIPServiceAffinitySeconds) * time.Second
		if c := spec.SessionAffinityConfig; c != nil && c.ClientIP != nil && c.ClientIP.TimeoutSeconds != nil {
			p.affinity = time.Duration(*c.ClientIP.TimeoutSeconds) * time.Second
		}
	}
}

func foreign(service *corev1.Service) bool {
	_, other := service.Labels[labelServiceProxyName]
	_, headless := service.Labels[labelHeadless]
	return other || headless
}
