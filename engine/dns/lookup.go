package dns

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
)

// specification is the version of the rules of names that this server keeps; clients read it as dns-version.DOMAIN.
const specification = "1.1.0"

// result is what is known of a name: whether it exists at all, and the records of the wanted type.
type result struct {
	exists         bool
	answers, extra []dns.RR
}

var (
	noSuchName = result{}
	noSuchType = result{exists: true} // also of the names that only lead to others, as svc.cluster.local
)

// maxAliases bounds how many ExternalNames in a row are followed: they may form a ring.
const maxAliases = 8

func (s *Server) lookup(name string, kind uint16) result { return s.follow(name, kind, maxAliases) }

func (s *Server) follow(name string, kind uint16, aliases int) result {
	lower := strings.ToLower(name)
	if lower == s.domain {
		return s.apex(name, kind)
	}
	if below, ok := strings.CutSuffix(lower, "."+s.domain); ok {
		a := asked{name: name, kind: kind, aliases: aliases}
		labels := strings.Split(below, ".")
		slices.Reverse(labels)
		return s.inDomain(a, labels)
	}
	if address, ok := reverseAddress(lower); ok {
		return s.reverse(name, kind, address)
	}
	return noSuchName
}

// asked is a question on its way: name is spelt as the client did, who may compare it to the letter.
type asked struct {
	name    string
	kind    uint16
	aliases int
}

// apex answers for the domain itself.
func (s *Server) apex(name string, kind uint16) result {
	switch kind {
	case dns.TypeSOA:
		return result{exists: true, answers: []dns.RR{s.authority(name)}}
	case dns.TypeNS:
		return result{exists: true, answers: []dns.RR{&dns.NS{Hdr: header(name, dns.TypeNS), Ns: s.serverName()}}}
	}
	return noSuchType
}

// inDomain answers for what is below the domain; labels are read from the domain's side.
func (s *Server) inDomain(a asked, labels []string) result {
	rest := labels[1:]
	switch {
	case labels[0] == "svc":
		return s.inServices(a, rest)
	case labels[0] == "pod":
		return s.inPods(a, rest)
	case labels[0] == "dns" && len(rest) == 0:
		return noSuchType
	case labels[0] == "dns" && len(rest) == 1 && rest[0] == "ns":
		return s.ownAddress(a)
	case labels[0] == "dns-version" && len(rest) == 0:
		if a.kind != dns.TypeTXT {
			return noSuchType
		}
		return result{exists: true, answers: []dns.RR{&dns.TXT{Hdr: header(a.name, dns.TypeTXT), Txt: []string{specification}}}}
	}
	return noSuchName
}

// ownAddress is where this server is reached: the cluster address of its Service.
func (s *Server) ownAddress(a asked) result {
	service := s.source.service("kube-system", "kube-dns")
	if service == nil {
		return noSuchType
	}
	return addresses(a, clusterAddresses(service))
}

// inPods answers 10-244-1-7.NAMESPACE.pod: the address is in the name.
func (s *Server) inPods(a asked, labels []string) result {
	switch {
	case len(labels) == 0:
		return noSuchType
	case !s.source.hasNamespace(labels[0]) || len(labels) > 2:
		return noSuchName
	case len(labels) == 1:
		return noSuchType
	}
	for _, separator := range []string{".", ":"} {
		if address, err := netip.ParseAddr(strings.ReplaceAll(labels[1], "-", separator)); err == nil {
			return addresses(a, []netip.Addr{address})
		}
	}
	return noSuchName
}

// reverse answers which names lead to an address.
func (s *Server) reverse(name string, kind uint16, address netip.Addr) result {
	names := s.source.namesOf(address)
	if len(names) == 0 {
		return noSuchName
	}
	found := result{exists: true}
	for _, n := range names {
		if kind == dns.TypePTR {
			found.answers = append(found.answers, &dns.PTR{Hdr: header(name, dns.TypePTR), Ptr: n + ".svc." + s.domain})
		}
	}
	return found
}

// reverseAddress reads 7.1.244.10.in-addr.arpa. or the 32 nibbles of an IPv6 address below ip6.arpa.
func reverseAddress(name string) (netip.Addr, bool) {
	if text, ok := strings.CutSuffix(name, ".in-addr.arpa."); ok {
		octets := strings.Split(text, ".")
		slices.Reverse(octets)
		address, err := netip.ParseAddr(strings.Join(octets, "."))
		return address, err == nil && address.Is4()
	}
	text, ok := strings.CutSuffix(name, ".ip6.arpa.")
	nibbles := strings.Split(text, ".")
	if !ok || len(nibbles) != 32 {
		return netip.Addr{}, false
	}
	slices.Reverse(nibbles)
	var b strings.Builder
	for i, nibble := range nibbles {
		if i > 0 && i%4 == 0 {
			b.WriteByte(':')
		}
		b.WriteString(nibble)
	}
	address, err := netip.ParseAddr(b.String())
	return address, err == nil
}

// clusterAddresses are empty for a headless Service.
func clusterAddresses(service *corev1.Service) []netip.Addr {
	var all []netip.Addr
	for _, text := range service.Spec.ClusterIPs {
		if address, err := netip.ParseAddr(text); err == nil {
			all = append(all, address)
		}
	}
	return all
}

// addresses are the A or AAAA records of a name, in no particular order: clients take the first.
func addresses(a asked, list []netip.Addr) result {
	found := result{exists: true}
	for _, address := range list {
		if record := addressRecord(a.name, address); record.Header().Rrtype == a.kind {
			found.answers = append(found.answers, record)
		}
	}
	rand.Shuffle(len(found.answers), func(i, j int) {
		found.answers[i], found.answers[j] = found.answers[j], found.answers[i]
	})
	return found
}
