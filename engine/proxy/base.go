package proxy

import (
	"net/netip"

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
	serviceIPs, nodePorts         *nftables.Set // cluster address . protocol . port, and protocol . port, to the chain to go to
	noEndpointIPs, noEndpointNode *nftables.Set // the same keys, for services that nobody stands behind
	hairpin                       *nftables.Set // address . the same address
	podCIDR                       netip.Prefix
	err                           error // of describing, the first one
}

// addBase describes the empty table:
//
//	map service-ips          { ipv4_addr . inet_proto . inet_service : verdict }
//	map service-nodeports    { inet_proto . inet_service : verdict }
//	map no-endpoint-services, no-endpoint-nodeports: the same, to the chain that rejects
//	set hairpin-connections  { ipv4_addr . ipv4_addr }
//	chain nat-prerouting, nat-output: jump services
//	chain services: look up in service-ips; if the address is the node's own, in service-nodeports
//	chain nat-postrouting: masquerade what is marked, and what a pod sends to itself through a service
//	chain filter-input, filter-forward, filter-output: jump service-endpoints-check
func addBase(conn *nftables.Conn, podCIDR netip.Prefix) *objects {
	conn.AddTable(table)
	addressKey := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService)
	portKey := nftables.MustConcatSetType(nftables.TypeInetProto, nftables.TypeInetService)
	pair := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeIPAddr)
	o := &objects{podCIDR: podCIDR}
	add := func(name string, key nftables.SetDatatype, isMap bool) *nftables.Set {
		set := &nftables.Set{Table: table, Name: name, KeyType: key, Concatenation: true, IsMap: isMap}
		if isMap {
			set.DataType = nftables.TypeVerdict
		}
		if err := conn.AddSet(set, nil); err != nil && o.err == nil {
			o.err = err
		}
		return set
	}
	o.serviceIPs = add("service-ips", addressKey, true)
	o.nodePorts = add("service-nodeports", portKey, true)
	o.noEndpointIPs = add("no-endpoint-services", addressKey, true)
	o.noEndpointNode = add("no-endpoint-nodeports", portKey, true)
	o.hairpin = add("hairpin-connections", pair, false)
	o.addLookups(conn)
	o.addMasquerade(conn)
	return o
}

func (o *objects) addLookups(conn *nftables.Conn) {
	services := conn.AddChain(&nftables.Chain{Table: table, Name: "services"})
	check := conn.AddChain(&nftables.Chain{Table: table, Name: "service-endpoints-check"})
	reject := conn.AddChain(&nftables.Chain{Table: table, Name: "reject-chain"})
	addRule(conn, services, lookupAddress(o.serviceIPs)...)
	addRule(conn, services, lookupNodePort(o.nodePorts)...)
	addRule(conn, check, lookupAddress(o.noEndpointIPs)...)
	addRule(conn, check, lookupNodePort(o.noEndpointNode)...)
	// Code 3 is "port unreachable": a TCP client gets "connection refused" at once.
	addRule(conn, reject, &expr.Reject{Type: unix.NFT_REJECT_ICMP_UNREACH, Code: 3})
	for name, hook := range map[string]*nftables.ChainHook{"nat-prerouting": nftables.ChainHookPrerouting, "nat-output": nftables.ChainHookOutput} {
		chain := conn.AddChain(&nftables.Chain{Table: table, Name: name, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: nftables.ChainPriorityNATDest})
		addRule(conn, chain, jump(services.Name))
	}
	for name, hook := range map[string]*nftables.ChainHook{
		"filter-input": nftables.ChainHookInput, "filter-forward": nftables.ChainHookForward, "filter-output": nftables.ChainHookOutput,
	} {
		chain := conn.AddChain(&nftables.Chain{Table: table, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter})
		addRule(conn, chain, jump(check.Name))
	}
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

// lookupNodePort: fib daddr type local meta l4proto . th dport vmap @set
func lookupNodePort(set *nftables.Set) []expr.Any {
	return []expr.Any{
		&expr.Fib{Register: reg1, FlagDADDR: true, ResultADDRTYPE: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg1}, loadPort(reg2), verdictOf(set),
	}
}
