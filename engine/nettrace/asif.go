package nettrace

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"strconv"
)

// ServicePort is what kube-proxy must know of one port of a Service, in any of its modes.
type ServicePort struct {
	Name      string         // "default/web:http", or "default/web" when the port has no name
	Protocol  string         // "tcp", "udp" or "sctp"
	Address   netip.AddrPort // the cluster address
	NodePort  uint16         // 0: none
	Affinity  int            // for how many seconds a client keeps its endpoint; 0: not at all
	Endpoints []netip.AddrPort
	Pods      netip.Prefix // the range of all pods
}

// AsIptables are the rules of table nat that kube-proxy in iptables mode would have written, as iptables-save(8) prints them and
// under the names it would have given. It is for teaching: nothing of it is in the kernel.
func (s ServicePort) AsIptables() []string {
	chain, comment := "KUBE-SVC-"+s.hash(""), ` -m comment --comment "`+s.Name
	match := fmt.Sprintf(`%s cluster IP" -m %s -p %s -d %s --dport %d`, comment, s.Protocol, s.Protocol, s.Address.Addr(), s.Address.Port())
	if len(s.Endpoints) == 0 {
		return []string{fmt.Sprintf(`-A KUBE-SERVICES%s has no endpoints" -m %s -p %s -d %s --dport %d -j REJECT`, comment, s.Protocol, s.Protocol, s.Address.Addr(), s.Address.Port())}
	}
	rules := []string{"-A KUBE-SERVICES" + match + " -j " + chain}
	if s.NodePort != 0 {
		out := "KUBE-EXT-" + s.hash("")
		rules = append(rules,
			fmt.Sprintf(`-A KUBE-NODEPORTS%s" -m %s -p %s --dport %d -j %s`, comment, s.Protocol, s.Protocol, s.NodePort, out),
			fmt.Sprintf(`-A %s -m comment --comment "masquerade traffic for %s external destinations" -j KUBE-MARK-MASQ`, out, s.Name),
			fmt.Sprintf("-A %s -j %s", out, chain))
	}
	rules = append(rules, fmt.Sprintf("-A %s%s ! -s %s -j KUBE-MARK-MASQ", chain, match, s.Pods))
	if s.Affinity > 0 {
		for _, e := range s.Endpoints {
			rules = append(rules, fmt.Sprintf(`-A %s%s -> %s" -m recent --name %s --rcheck --seconds %d --reap -j %[4]s`, chain, comment, e, s.endpointChain(e), s.Affinity))
		}
	}
	for i, e := range s.Endpoints {
		chance := ""
		if left := len(s.Endpoints) - i; left > 1 { // those before have had their chance
			chance = " -m statistic --mode random --probability " + strconv.FormatFloat(1/float64(left), 'f', 10, 64)
		}
		rules = append(rules, fmt.Sprintf(`-A %s%s -> %s"%s -j %s`, chain, comment, e, chance, s.endpointChain(e)))
	}
	for _, e := range s.Endpoints {
		to, remember := s.endpointChain(e), ""
		if s.Affinity > 0 {
			remember = " -m recent --name " + to + " --set"
		}
		rules = append(rules,
			fmt.Sprintf(`-A %s%s" -s %s -j KUBE-MARK-MASQ`, to, comment, e.Addr()),
			fmt.Sprintf(`-A %s%s"%s -m %s -p %s -j DNAT --to-destination %s`, to, comment, remember, s.Protocol, s.Protocol, e))
	}
	return rules
}

// hash is what makes chains' names unique, as pkg/proxy/iptables/proxier.go makes it; of is "" or an endpoint.
func (s ServicePort) hash(of string) string {
	sum := sha256.Sum256([]byte(s.Name + s.Protocol + of))
	return base32.StdEncoding.EncodeToString(sum[:])[:16]
}

func (s ServicePort) endpointChain(e netip.AddrPort) string { return "KUBE-SEP-" + s.hash(e.String()) }

// AsIPVS are the virtual servers that kube-proxy in IPVS mode would have made, as `ipvsadm -Ln` prints them, after the address that
// it would have given the node for them. It is for teaching, as AsIptables is.
func (s ServicePort) AsIPVS(node netip.Addr) []string {
	lines := []string{fmt.Sprintf("ip addr: %s/32 dev kube-ipvs0", s.Address.Addr())}
	fronts := []netip.AddrPort{s.Address}
	if s.NodePort != 0 && node.IsValid() {
		fronts = append(fronts, netip.AddrPortFrom(node, s.NodePort))
	}
	kind := map[string]string{"tcp": "TCP", "udp": "UDP", "sctp": "SCTP"}[s.Protocol]
	for _, front := range fronts {
		line := fmt.Sprintf("%s  %s rr", kind, front)
		if s.Affinity > 0 {
			line += fmt.Sprintf(" persistent %d", s.Affinity)
		}
		lines = append(lines, line)
		for _, e := range s.Endpoints {
			lines = append(lines, fmt.Sprintf("  -> %s  Masq  1  0  0", e))
		}
	}
	return lines
}
