package proxy

import (
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// add describes one change. When only the endpoints differ, the port's own chain is rewritten and nothing else is touched.
func (o *objects) add(conn *nftables.Conn, c change) error {
	switch {
	case c.before != nil && c.after != nil && c.before.sameFront(c.after):
		return o.fillChain(conn, c.after)
	case c.before != nil:
		if err := o.removeFront(conn, c.before); err != nil {
			return err
		}
	}
	if c.after == nil {
		return nil
	}
	return o.addFront(conn, c.after)
}

// addFront makes the port reachable: its chain, and the map elements that lead there, or to the rejection when there is no endpoint.
func (o *objects) addFront(conn *nftables.Conn, p *servicePort) error {
	if len(p.endpoints) == 0 {
		reject := &expr.Verdict{Kind: expr.VerdictGoto, Chain: "reject-chain"}
		return o.front(p, o.noEndpointIPs, o.noEndpointNode, func(set *nftables.Set, element nftables.SetElement) error {
			element.VerdictData = reject
			return conn.SetAddElements(set, []nftables.SetElement{element})
		})
	}
	if err := o.fillChain(conn, p); err != nil {
		return err
	}
	if p.nodePort != 0 {
		o.addNodePortChain(conn, p)
	}
	return o.front(p, o.serviceIPs, o.nodePorts, func(set *nftables.Set, element nftables.SetElement) error {
		element.VerdictData = &expr.Verdict{Kind: expr.VerdictGoto, Chain: p.chain()}
		if set == o.nodePorts {
			element.VerdictData.Chain = p.nodePortChain()
		}
		return conn.SetAddElements(set, []nftables.SetElement{element})
	})
}

// removeFront undoes addFront. Elements go first: a chain that something leads to cannot be removed.
func (o *objects) removeFront(conn *nftables.Conn, p *servicePort) error {
	ips, ports := o.serviceIPs, o.nodePorts
	if len(p.endpoints) == 0 {
		ips, ports = o.noEndpointIPs, o.noEndpointNode
	}
	err := o.front(p, ips, ports, func(set *nftables.Set, element nftables.SetElement) error {
		return conn.SetDeleteElements(set, []nftables.SetElement{element})
	})
	if err != nil || len(p.endpoints) == 0 {
		return err
	}
	if p.nodePort != 0 {
		external := &nftables.Chain{Table: table, Name: p.nodePortChain()}
		conn.FlushChain(external)
		conn.DelChain(external)
	}
	chain := &nftables.Chain{Table: table, Name: p.chain()}
	conn.FlushChain(chain)
	conn.DelChain(chain)
	return nil
}

// front calls do for each map element of a port: always its cluster address, and its node port when it has one.
func (o *objects) front(p *servicePort, ips, ports *nftables.Set, do func(*nftables.Set, nftables.SetElement) error) error {
	protocol := pad([]byte{protocolNumber(p.id.protocol)})
	address := p.address.Addr().As4()
	key := append(append(address[:], protocol...), pad(binaryutil.BigEndian.PutUint16(p.address.Port()))...)
	if err := do(ips, nftables.SetElement{Key: key}); err != nil {
		return err
	}
	if p.nodePort == 0 {
		return nil
	}
	return do(ports, nftables.SetElement{Key: append(protocol, pad(binaryutil.BigEndian.PutUint16(p.nodePort))...)})
}

func protocolNumber(p corev1.Protocol) byte {
	if p == corev1.ProtocolUDP {
		return unix.IPPROTO_UDP
	}
	return unix.IPPROTO_TCP
}

// pad fills a field of a concatenation up to a whole register.
func pad(field []byte) []byte {
	return append(field[:len(field):len(field)], make([]byte, 4-len(field))...)
}

// fillChain writes the port's chain: mark what comes from outside the pods' addresses, then
//
//	dnat ip to numgen random mod 3 map { 0 : 10.244.1.2 . 8080, 1 : …, 2 : … }
func (o *objects) fillChain(conn *nftables.Conn, p *servicePort) error {
	chain := conn.AddChain(&nftables.Chain{Table: table, Name: p.chain()})
	conn.FlushChain(chain)
	if o.podCIDR.IsValid() {
		mask := net.CIDRMask(o.podCIDR.Bits(), 32)
		network := o.podCIDR.Masked().Addr().As4()
		addRule(conn, chain, append([]expr.Any{
			loadSource(reg1),
			&expr.Bitwise{SourceRegister: reg1, DestRegister: reg1, Len: 4, Mask: mask, Xor: make([]byte, 4)},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: reg1, Data: network[:]},
		}, setMark()...)...)
	}
	set := &nftables.Set{
		Table: table, Anonymous: true, Constant: true, IsMap: true,
		KeyType: nftables.TypeInteger, KeyByteOrder: binaryutil.NativeEndian,
		DataType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService),
	}
	var elements []nftables.SetElement
	for i, endpoint := range p.endpoints {
		address := endpoint.Addr().As4()
		elements = append(elements, nftables.SetElement{
			Key: binaryutil.NativeEndian.PutUint32(uint32(i)),
			Val: append(address[:], pad(binaryutil.BigEndian.PutUint16(endpoint.Port()))...),
		})
	}
	if err := conn.AddSet(set, elements); err != nil {
		return err
	}
	addRule(conn, chain,
		&expr.Numgen{Register: reg1, Modulus: uint32(len(p.endpoints)), Type: unix.NFT_NG_RANDOM},
		&expr.Lookup{SourceRegister: reg1, DestRegister: reg1, IsDestRegSet: true, SetName: set.Name, SetID: set.ID},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: reg1, RegProtoMin: reg2})
	return nil
}

func (o *objects) addNodePortChain(conn *nftables.Conn, p *servicePort) {
	chain := conn.AddChain(&nftables.Chain{Table: table, Name: p.nodePortChain()})
	conn.FlushChain(chain)
	addRule(conn, chain, append(setMark(), &expr.Verdict{Kind: expr.VerdictGoto, Chain: p.chain()})...)
}

// setMark is: meta mark set mark or 0x4000
func setMark() []expr.Any {
	bit := binaryutil.NativeEndian.PutUint32(masqueradeMark)
	keep := binaryutil.NativeEndian.PutUint32(^uint32(masqueradeMark))
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: reg1},
		&expr.Bitwise{SourceRegister: reg1, DestRegister: reg1, Len: 4, Mask: keep, Xor: bit},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: reg1},
	}
}

// shiftHairpin keeps the pairs up to date by which a pod's packets to itself are recognised.
func (o *objects) shiftHairpin(conn *nftables.Conn, added, removed []netip.Addr) error {
	pairs := func(ips []netip.Addr) []nftables.SetElement {
		var elements []nftables.SetElement
		for _, ip := range ips {
			address := ip.As4()
			elements = append(elements, nftables.SetElement{Key: append(address[:], address[:]...)})
		}
		return elements
	}
	if len(removed) > 0 {
		if err := conn.SetDeleteElements(o.hairpin, pairs(removed)); err != nil {
			return err
		}
	}
	if len(added) > 0 {
		return conn.SetAddElements(o.hairpin, pairs(added))
	}
	return nil
}
