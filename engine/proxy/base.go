package proxy

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// table is named as upstream's, so that what people have read about it holds: nft list table ip kube-proxy.
var table = &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "kube-proxy"}

// masqueradeMark says that a packet's source must become the node's, or the answer would not come back through the node.
const masqueradeMark = 0x4000

// A concatenation lies in consecutive 32-bit registers. Register 1 is the first 128-bit one; its second and third quarter
// have the numbers 9 and 10.
const (
	reg1 = 1
	reg2 = 9
	reg3 = 10
)

// objects are the parts of the table that services hang on to.
type objects struct {
	sets       map[string]*nftables.Set // the maps that lead to chains, by name
	hairpin    *nftables.Set            // address . the same address
	clusterIPs *nftables.Set
	where      where
	err        error // of describing, the first one
}

// where says what is inside and what is this node; both may be unknown.
type where struct {
	podCIDR netip.Prefix // what comes from elsewhere is masqueraded on its way to a cluster address
	nodeIP  netip.Addr   // where node ports are open; zero: at all addresses of the node but loopback
}

// addBase describes the empty table:
//
//	map service-ips, no-endpoint-services, firewall-ips    { ipv4_addr . inet_proto . inet_service : verdict }
//	map service-nodeports, no-endpoint-nodeports           { inet_proto . inet_service : verdict }
//	set cluster-ips { ipv4_addr }, set hairpin-connections { ipv4_addr . ipv4_addr }
//	chain nat-prerouting, nat-output: jump services
//	chain services: mark what comes to a cluster address from outside; look up in service-ips; if the address is the
//	      node's own, in service-nodeports
//	chain nat-postrouting: masquerade what is marked, and what a pod sends to itself through a service
//	chain filter-prerouting-pre-dnat, filter-output-pre-dnat: look up in firewall-ips
//	chain filter-input, filter-forward, filter-output: look up where nobody stands behind; reject the rest of a cluster address
func addBase(conn *nftables.Conn, w where) *objects {
	conn.AddTable(table)
	addressKey := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService)
	portKey := nftables.MustConcatSetType(nftables.TypeInetProto, nftables.TypeInetService)
	pair := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeIPAddr)
	o := &objects{where: w, sets: map[string]*nftables.Set{}}
	add := func(name string, key nftables.SetDatatype, isMap bool) *nftables.Set {
		set := &nftables.Set{Table: table, Name: name, KeyType: key, Concatenation: key.Name != nftables.TypeIPAddr.Name, IsMap: isMap}
		if isMap {
			set.DataType = nftables.TypeVerdict
			o.sets[name] = set
		}
		if err := conn.AddSet(set, nil); err != nil && o.err == nil {
			o.err = err
		}
		return set
	}
	for _, name := range []string{setServiceIPs, setNoEndpointIPs, setFirewallIPs} {
		add(name, addressKey, true)
	}
	for _, name := range []string{setNodePorts, setNoEndpointPorts} {
		add(name, portKey, true)
	}
	o.hairpin = add("hairpin-connections", pair, false)
	o.clusterIPs = add("cluster-ips", nftables.TypeIPAddr, false)
	o.addLookups(conn)
	o.addChecks(conn)
	o.addMasquerade(conn)
	return o
}

func (o *objects) addLookups(conn *nftables.Conn) {
	services := conn.AddChain(&nftables.Chain{Table: table, Name: "services"})
	if o.where.podCIDR.IsValid() {
		// Whoever has a route to cluster addresses through this node may use them; the answers must come back through it.
		addRule(conn, services, slices.Concat(o.toClusterIP(), fromPrefix(o.where.podCIDR, expr.CmpOpNeq), setMark())...)
	}
	addRule(conn, services, lookupAddress(o.sets[setServiceIPs])...)
	addRule(conn, services, o.lookupNodePort(o.sets[setNodePorts])...)
	for name, hook := range map[string]*nftables.ChainHook{"nat-prerouting": nftables.ChainHookPrerouting, "nat-output": nftables.ChainHookOutput} {
		chain := conn.AddChain(&nftables.Chain{Table: table, Name: name, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: nftables.ChainPriorityNATDest})
		addRule(conn, chain, jump(services.Name))
	}
}

// addChecks filters. What a load balancer's address may be reached from is decided before the destination is rewritten;
// that nobody answers, after it: what still has a service's address then has found no endpoint.
func (o *objects) addChecks(conn *nftables.Conn) {
	check := conn.AddChain(&nftables.Chain{Table: table, Name: "service-endpoints-check"})
	ips := conn.AddChain(&nftables.Chain{Table: table, Name: "cluster-ips-check"})
	reject := conn.AddChain(&nftables.Chain{Table: table, Name: chainReject})
	// Code 3 is "port unreachable": a TCP client gets "connection refused" at once.
	refuse := &expr.Reject{Type: unix.NFT_REJECT_ICMP_UNREACH, Code: 3}
	addRule(conn, check, lookupAddress(o.sets[setNoEndpointIPs])...)
	addRule(conn, check, o.lookupNodePort(o.sets[setNoEndpointPorts])...)
	addRule(conn, ips, append(o.toClusterIP(), refuse)...)
	addRule(conn, reject, refuse)
	beforeNAT := nftables.ChainPriorityRef(*nftables.ChainPriorityNATDest - 10)
	for _, c := range []struct {
		name     string
		hook     *nftables.ChainHook
		priority *nftables.ChainPriority
		rules    [][]expr.Any
	}{
		{"filter-prerouting-pre-dnat", nftables.ChainHookPrerouting, beforeNAT, [][]expr.Any{lookupAddress(o.sets[setFirewallIPs])}},
		{"filter-output-pre-dnat", nftables.ChainHookOutput, beforeNAT, [][]expr.Any{lookupAddress(o.sets[setFirewallIPs])}},
		{"filter-input", nftables.ChainHookInput, nftables.ChainPriorityFilter, [][]expr.Any{{jump(check.Name)}}},
		{"filter-forward", nftables.ChainHookForward, nftables.ChainPriorityFilter, [][]expr.Any{{jump(check.Name)}, {jump(ips.Name)}}},
		{"filter-output", nftables.ChainHookOutput, nftables.ChainPriorityFilter, [][]expr.Any{{jump(check.Name)}, {jump(ips.Name)}}},
	} {
		chain := conn.AddChain(&nftables.Chain{Table: table, Name: c.name, Type: nftables.ChainTypeFilter, Hooknum: c.hook, Priority: c.priority})
		for _, rule := range c.rules {
			addRule(conn, chain, rule...)
		}
	}
}

// toClusterIP is: ip daddr @cluster-ips
func (o *objects) toClusterIP() []expr.Any {
	return []expr.Any{loadDestination(reg1), &expr.Lookup{SourceRegister: reg1, SetName: o.clusterIPs.Name, SetID: o.clusterIPs.ID}}
}

// addMasquerade gives a packet the address of the interface it leaves by, when it is marked or comes back to its own sender.
func (o *objects) addMasquerade(conn *nftables.Conn) {
	chain := conn.AddChain(&nftables.Chain{
		Table: table, Name: "nat-postrouting", Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	mark := binaryutil.NativeEndian.PutUint32(masqueradeMark)
	addRule(conn, chain,
		&expr.Meta{Key: expr.MetaKeyMARK, Register: reg1},
		&expr.Bitwise{SourceRegister: reg1, DestRegister: reg1, Len: 4, Mask: mark, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg1, Data: make([]byte, 4)},
		&expr.Masq{FullyRandom: true})
	addRule(conn, chain,
		loadSource(reg1), loadDestination(reg2),
		&expr.Lookup{SourceRegister: reg1, SetName: o.hairpin.Name, SetID: o.hairpin.ID},
		&expr.Masq{FullyRandom: true})
}

func addRule(conn *nftables.Conn, chain *nftables.Chain, exprs ...expr.Any) {
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
}

func jump(chain string) expr.Any { return &expr.Verdict{Kind: expr.VerdictJump, Chain: chain} }

// loadSource and loadDestination read the addresses of an IPv4 header (RFC 791), loadPort the destination port, which TCP
// and UDP have in the same place.
func loadSource(register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4}
}

func loadDestination(register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4}
}

func loadPort(register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
}

func verdictOf(set *nftables.Set) expr.Any {
	return &expr.Lookup{SourceRegister: reg1, DestRegister: 0, IsDestRegSet: true, SetName: set.Name, SetID: set.ID}
}

// lookupAddress: ip daddr . meta l4proto . th dport vmap @set
func lookupAddress(set *nftables.Set) []expr.Any {
	return []expr.Any{loadDestination(reg1), &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg2}, loadPort(reg3), verdictOf(set)}
}

// lookupNodePort: ip daddr (the node's) meta l4proto . th dport vmap @set. When the node's address is not known, every
// address that is local but not loopback is meant: fib daddr type local ip daddr != 127.0.0.0/8
func (o *objects) lookupNodePort(set *nftables.Set) []expr.Any {
	var own []expr.Any
	if o.where.nodeIP.IsValid() {
		own = []expr.Any{loadDestination(reg1), &expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: o.where.nodeIP.AsSlice()}}
	} else {
		own = []expr.Any{
			&expr.Fib{Register: reg1, FlagDADDR: true, ResultADDRTYPE: true},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
			&expr.Payload{DestRegister: reg1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 1},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: reg1, Data: []byte{127}},
		}
	}
	return append(own, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg1}, loadPort(reg2), verdictOf(set))
}
