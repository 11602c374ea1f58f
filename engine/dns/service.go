package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
)

// place is what a name below svc.DOMAIN points at.
type place struct {
	namespace, service string
	hostname           string // of one endpoint, or ""
	port, protocol     string // of _http._tcp, without the underscores, or ""
}

// inServices answers for names below svc.DOMAIN:
//
//	NAMESPACE
//	NAMESPACE SERVICE
//	NAMESPACE SERVICE HOSTNAME
//	NAMESPACE SERVICE _PROTOCOL _PORT
func (s *Server) inServices(a asked, labels []string) result {
	if len(labels) == 0 {
		return noSuchType
	}
	if !s.source.hasNamespace(labels[0]) {
		return noSuchName
	}
	p := place{namespace: labels[0]}
	switch len(labels) {
	case 1:
		return noSuchType
	case 2:
		p.service = labels[1]
	case 3:
		p.service, p.hostname = labels[1], labels[2]
	case 4:
		p.service = labels[1]
		protocol, isProtocol := strings.CutPrefix(labels[2], "_")
		port, isPort := strings.CutPrefix(labels[3], "_")
		if !isProtocol || !isPort {
			return noSuchName
		}
		p.protocol, p.port = protocol, port
	default:
		return noSuchName
	}
	return s.ofService(a, p)
}

func (s *Server) ofService(a asked, p place) result {
	service := s.source.service(p.namespace, p.service)
	if service == nil {
		return noSuchName
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return s.alias(a, p, service.Spec.ExternalName)
	}
	return s.records(a, s.targets(service, p))
}

// alias answers with another name, and with what that name leads to when it is one of ours.
func (s *Server) alias(a asked, p place, to string) result {
	if p.hostname != "" || net4(to) {
		return noSuchName
	}
	to = dns.Fqdn(to)
	found := result{exists: true, answers: []dns.RR{&dns.CNAME{Hdr: header(a.name, dns.TypeCNAME), Target: to}}}
	if a.kind != dns.TypeCNAME && a.aliases > 0 {
		found.answers = append(found.answers, s.follow(to, a.kind, a.aliases-1).answers...)
	}
	return found
}

// net4 says whether an external name is an address, which an alias cannot lead to.
func net4(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// target is one place a client may connect to.
type target struct {
	name    string // with an address record of its own
	address netip.Addr
	port    uint16
}

// targets are a Service's cluster address, or its endpoints when it is headless or one of them is meant. There is one for
// each port that fits; none means that there is no such name: so it is for a headless Service nobody stands behind.
func (s *Server) targets(service *corev1.Service, p place) []target {
	base := service.Name + "." + service.Namespace + ".svc." + s.domain
	var all []target
	if cluster := clusterAddresses(service); len(cluster) > 0 && p.hostname == "" {
		for _, address := range cluster {
			for _, port := range service.Spec.Ports {
				if p.fits(port.Name, string(port.Protocol)) {
					all = append(all, target{base, address, uint16(port.Port)})
				}
			}
		}
		return all
	}
	for _, e := range s.source.endpoints(service.Namespace, service.Name) {
		if p.hostname != "" && p.hostname != e.hostname {
			continue
		}
		t := target{name: e.hostname + "." + base, address: e.address}
		if len(e.ports) == 0 && p.port == "" {
			all = append(all, t) // a headless Service needs no ports
		}
		for _, port := range e.ports {
			name, protocol := deref(port.Name, ""), string(deref(port.Protocol, corev1.ProtocolTCP))
			if p.fits(name, protocol) {
				t.port = uint16(deref(port.Port, 0))
				all = append(all, t)
			}
		}
	}
	return all
}

func deref[T any](p *T, missing T) T {
	if p == nil {
		return missing
	}
	return *p
}

func (p place) fits(port, protocol string) bool {
	return p.port == "" || strings.EqualFold(p.port, port) && strings.EqualFold(p.protocol, protocol)
}

// records are those of the wanted type that lead to the targets.
func (s *Server) records(a asked, targets []target) result {
	if len(targets) == 0 {
		return noSuchName
	}
	if a.kind == dns.TypeSRV {
		return services(a, targets)
	}
	var list []netip.Addr
	for _, t := range targets {
		if !slices.Contains(list, t.address) { // once, however many ports
			list = append(list, t.address)
		}
	}
	return addresses(a, list)
}

// services are SRV records (RFC 2782) with equal weights, and the addresses of their targets beside them.
func services(a asked, targets []target) result {
	found := result{exists: true}
	weight := uint16(max(100/len(targets), 1))
	beside := map[string]bool{}
	for _, t := range targets {
		if t.port == 0 {
			continue
		}
		found.answers = append(found.answers, &dns.SRV{
			Hdr: header(a.name, dns.TypeSRV), Priority: 0, Weight: weight, Port: t.port, Target: t.name,
		})
		if !beside[t.name] {
			beside[t.name] = true
			found.extra = append(found.extra, addressRecord(t.name, t.address))
		}
	}
	return found
}
