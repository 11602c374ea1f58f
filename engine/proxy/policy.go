package proxy

import (
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// reg2nd is the second 128-bit register: beside an endpoint's address and port, which begin in the first.
const reg2nd = 2

// endpointType is ipv4_addr . inet_service, what dnat takes.
var endpointType = nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService)

// fillPolicy writes the chain that picks an endpoint:
//
//	dnat ip to numgen random mod 3 map { 0 : 10.244.1.2 . 8080, 1 : …, 2 : … }
//
// With session affinity there is a map of the clients that have been here, which the kernel fills and forgets by itself, and a
// rule before it:
//
//	update @affinity { ip saddr : ip saddr map @affinity } dnat ip to (what was found)
//	update @affinity { ip saddr : numgen random mod 3 map { … } } dnat ip to (the same)
//
// Kubernetes: one set and one chain for each endpoint, and a rule to look into each of the sets. Here the number of rules does
// not grow with the endpoints.
func (o *objects) fillPolicy(conn *nftables.Conn, c change, k kind) error {
	p := c.after
	chain := &nftables.Chain{Table: table, Name: p.chain(k)}
	if c.before != nil {
		if !o.policyDiffers(c, k) {
			return nil
		}
		conn.FlushChain(chain)
	}
	remember := func([]expr.Any) []expr.Any { return nil }
	if p.affinity > 0 {
		set, err := addAffinity(conn, c, k)
		if err != nil {
			return err
		}
		update := &expr.Dynset{SrcRegKey: reg2nd, SrcRegData: reg1, SetName: set.Name, SetID: set.ID, Operation: unix.NFT_DYNSET_OP_UPDATE}
		remember = func(find []expr.Any) []expr.Any {
			return slices.Concat([]expr.Any{loadSource(reg2nd)}, find, []expr.Any{update, dnat()})
		}
		addRule(conn, chain, remember([]expr.Any{
			&expr.Lookup{SourceRegister: reg2nd, DestRegister: reg1, IsDestRegSet: true, SetName: set.Name, SetID: set.ID},
		})...)
	}
	pick, err := pickOne(conn, p.behind(k))
	if err != nil {
		return err
	}
	if p.affinity > 0 {
		addRule(conn, chain, remember(pick)...)
		return nil
	}
	addRule(conn, chain, append(pick, dnat())...)
	return nil
}

// behind are the endpoints of a policy's chain.
func (p *servicePort) behind(k kind) []netip.AddrPort {
	if k == localPolicy {
		return p.local
	}
	return p.endpoints
}

// policyDiffers says whether the chain must be written again.
func (o *objects) policyDiffers(c change, k kind) bool {
	return !slices.Contains(c.before.chains(), k) || c.before.affinity != c.after.affinity ||
		!slices.Equal(c.before.behind(k), c.after.behind(k))
}

// pickOne puts a random endpoint's address and port into the first registers.
func pickOne(conn *nftables.Conn, endpoints []netip.AddrPort) ([]expr.Any, error) {
	set := &nftables.Set{
		Table: table, Anonymous: true, Constant: true, IsMap: true,
		KeyType: nftables.TypeInteger, KeyByteOrder: binaryutil.NativeEndian, DataType: endpointType,
	}
	var elements []nftables.SetElement
	for i, e := range endpoints {
		elements = append(elements, nftables.SetElement{Key: binaryutil.NativeEndian.PutUint32(uint32(i)), Val: endpointData(e)})
	}
	if err := conn.AddSet(set, elements); err != nil {
		return nil, err
	}
	return []expr.Any{
		&expr.Numgen{Register: reg1, Modulus: uint32(len(endpoints)), Type: unix.NFT_NG_RANDOM},
		&expr.Lookup{SourceRegister: reg1, DestRegister: reg1, IsDestRegSet: true, SetName: set.Name, SetID: set.ID},
	}, nil
}

func endpointData(e netip.AddrPort) []byte {
	address := e.Addr().As4()
	return append(address[:], pad(binaryutil.BigEndian.PutUint16(e.Port()))...)
}

func dnat() expr.Any {
	return &expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: reg1, RegProtoMin: reg2}
}

// affinity is a map of clients and how long it remembers them.
type affinity struct {
	name    string
	timeout time.Duration
	kind    kind
}

// affinitySets are those of the port; p may be nil.
func (p *servicePort) affinitySets() []affinity {
	var all []affinity
	for _, k := range p.chains() {
		if p.affinity > 0 && (k == clusterPolicy || k == localPolicy) {
			all = append(all, affinity{p.affinitySet(k), p.affinity, k})
		}
	}
	return all
}

func names(sets []affinity) []string {
	var all []string
	for _, set := range sets {
		all = append(all, set.name)
	}
	return all
}

// addAffinity makes the map of a policy's chain. One that is there stays, with all it remembers, unless the time has changed:
// then the clients are forgotten.
func addAffinity(conn *nftables.Conn, c change, k kind) (*nftables.Set, error) {
	p := c.after
	set := &nftables.Set{
		Table: table, Name: p.affinitySet(k), IsMap: true, Dynamic: true, HasTimeout: true, Timeout: p.affinity,
		KeyType: nftables.TypeIPAddr, DataType: endpointType, Size: 65535,
	}
	before := c.before.affinitySets()
	if slices.Contains(before, affinity{set.Name, p.affinity, k}) {
		return set, nil // known by its name
	}
	for _, old := range before {
		if old.kind == k {
			conn.DelSet(&nftables.Set{Table: table, Name: old.name}) // the chain that used it is empty by now
		}
	}
	return set, conn.AddSet(set, nil)
}

// forget removes what the maps remember of endpoints that are gone. It runs after the chains have been rewritten: from then on
// nothing new leads there.
func (k *kernel) forget(c change) error {
	if c.before == nil || c.after == nil {
		return nil
	}
	for _, a := range c.after.affinitySets() {
		gone := without(c.before.behind(a.kind), c.after.behind(a.kind))
		if len(gone) == 0 {
			continue
		}
		set := &nftables.Set{Table: table, Name: a.name, IsMap: true, KeyType: nftables.TypeIPAddr, DataType: endpointType}
		clients, err := k.conn.GetSetElements(set)
		if err != nil {
			return err
		}
		var stale []nftables.SetElement
		for _, client := range clients {
			for _, e := range gone {
				if slices.Equal(client.Val, endpointData(e)) {
					stale = append(stale, nftables.SetElement{Key: client.Key})
				}
			}
		}
		for few := range slices.Chunk(stale, 200) { // a message has its limits
			if err := k.conn.SetDeleteElements(set, few); err != nil {
				return err
			}
		}
		if err := k.conn.Flush(); err != nil {
			return err
		}
	}
	return nil
}
