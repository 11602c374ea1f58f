package dns

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// ttl is how many seconds a client may remember an answer. CoreDNS' default is 5; kubeadm's Corefile says 30.
//
// Kubernetes: 5 here, so that what a learner has just changed is what a program that remembers names sees.
const ttl = 5

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

func addressRecord(name string, address netip.Addr) dns.RR {
	if address.Is4() {
		return &dns.A{Hdr: header(name, dns.TypeA), A: address.AsSlice()}
	}
	return &dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: address.AsSlice()}
}

func (s *Server) serverName() string { return "ns.dns." + s.domain }

// authority is the record that comes with every "no": it names the zone that was asked, the cluster's or the empty rest of
// the world, and in its last field how long the "no" may be remembered.
func (s *Server) authority(name string) dns.RR {
	zone := "."
	if dns.IsSubDomain(s.domain, strings.ToLower(name)) {
		zone = s.domain
	}
	return &dns.SOA{
		Hdr: header(zone, dns.TypeSOA), Ns: s.serverName(), Mbox: "hostmaster." + s.domain,
		Serial: 1, Refresh: 7200, Retry: 1800, Expire: 86400, Minttl: ttl,
	}
}
