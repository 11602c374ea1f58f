package proxy

import (
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// add describes one change. Chains come before the elements that lead to them, and go after. An element that stays is not
// touched, so that for a change of endpoints alone one chain is rewritten and nothing else.
func (o *objects) add(conn *nftables.Conn, c change) error {
	before, after := c.before.chains(), c.after.chains()
	for _, k := range after {
		conn.AddChain(&nftables.Chain{Table: table, Name: c.after.chain(k)}) // one may jump to another
	}
	for _, k := range after {
		if err := o.fill(conn, c, k); err != nil {
			return err
		}
	}
	if err := o.shiftElements(conn, c); err != nil {
		return err
	}
	// The external chain leads to the others.
	for _, k := range slices.Backward(before) {
		if slices.Contains(after, k) {
			continue
		}
		chain := &nftables.Chain{Table: table, Name: c.before.chain(k)}
		conn.FlushChain(chain)
		conn.DelChain(chain)
	}
	for _, set := range without(names(c.before.affinitySets()), names(c.after.affinitySets())) {
		conn.DelSet(&nftables.Set{Table: table, Name: set})
	}
	return nil
}

// without are the members of a that b lacks.
func without[T comparable](a, b []T) []T {
	return slices.DeleteFunc(slices.Clone(a), func(x T) bool { return slices.Contains(b, x) })
}

func (o *objects) shiftElements(conn *nftables.Conn, c change) error {
	before, after := c.before.elements(), c.after.elements()
	for _, e := range without(before, after) {
		if err := conn.SetDeleteElements(o.sets[e.set], []nftables.SetElement{{Key: e.key(c.id().protocol)}}); err != nil {
			return err
		}
	}
	for _, e := range without(after, before) {
		line := nftables.SetElement{Key: e.key(c.id().protocol), VerdictData: &expr.Verdict{Kind: expr.VerdictGoto, Chain: e.verdict}}
		if e.verdict == verdictDrop {
			line.VerdictData = &expr.Verdict{Kind: expr.VerdictDrop}
		}
		if err := conn.SetAddElements(o.sets[e.set], []nftables.SetElement{line}); err != nil {
			return err
		}
	}
	return nil
}

// key is address . protocol . port, or protocol . port, each padded to a whole register.
func (e element) key(protocol corev1.Protocol) []byte {
	key := append(pad([]byte{protocolNumber(protocol)}), pad(binaryutil.BigEndian.PutUint16(e.port))...)
	if !e.address.IsValid() {
		return key
	}
	address := e.address.As4()
	return append(address[:], key...)
}

// protocolNumber is 0 for a protocol that is none of ours.
func protocolNumber(p corev1.Protocol) byte {
	switch p {
	case corev1.ProtocolTCP:
		return unix.IPPROTO_TCP
	case corev1.ProtocolUDP:
		return unix.IPPROTO_UDP
	case corev1.ProtocolSCTP:
		return unix.IPPROTO_SCTP
	}
	return 0
}

// pad fills a field of a concatenation up to a whole register.
func pad(field []byte) []byte {
	return append(field[:len(field):len(field)], make([]byte, 4-len(field))...)
}

// fill writes the rules of one of the port's chains.
func (o *objects) fill(conn *nftables.Conn, c change, k kind) error {
	p := c.after
	chain := &nftables.Chain{Table: table, Name: p.chain(k)}
	if k == clusterPolicy || k == localPolicy {
		return o.fillPolicy(conn, c, k)
	}
	if c.before != nil {
		if slices.Contains(c.before.chains(), k) && c.before.sameOuter(p) {
			return nil
		}
		conn.FlushChain(chain)
	}
	if k == external {
		o.fillExternal(conn, chain, p)
		return nil
	}
	for _, source := range p.sources {
		addRule(conn, chain, append(fromPrefix(source, expr.CmpOpEq), &expr.Verdict{Kind: expr.VerdictReturn})...)
	}
	addRule(conn, chain, &expr.Verdict{Kind: expr.VerdictDrop})
	return nil
}

// sameOuter says whether the external and the firewall chain of both are the same.
func (p *servicePort) sameOuter(q *servicePort) bool {
	return p.externalLocal == q.externalLocal && (len(p.local) > 0) == (len(q.local) > 0) && slices.Equal(p.sources, q.sources)
}

// fillExternal decides about what came to an address that is known outside. It may leave for any node, so its source must
// become ours, or the answer would not come back this way. With the policy Local it stays here and keeps its source, unless
// it is from a pod or from the node itself: for those the way is as if they had gone out and come in again.
func (o *objects) fillExternal(conn *nftables.Conn, chain *nftables.Chain, p *servicePort) {
	jumpTo := func(k kind) expr.Any { return &expr.Verdict{Kind: expr.VerdictGoto, Chain: p.chain(k)} }
	if !p.externalLocal {
		addRule(conn, chain, append(setMark(), jumpTo(clusterPolicy))...)
		return
	}
	if o.where.podCIDR.IsValid() {
		addRule(conn, chain, append(fromPrefix(o.where.podCIDR, expr.CmpOpEq), jumpTo(clusterPolicy))...)
	}
	own := []expr.Any{
		&expr.Fib{Register: reg1, FlagSADDR: true, ResultADDRTYPE: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
	}
	addRule(conn, chain, slices.Concat(own, setMark(), []expr.Any{jumpTo(clusterPolicy)})...)
	if len(p.local) > 0 {
		addRule(conn, chain, jumpTo(localPolicy))
	}
}

// fromPrefix is: ip saddr (op) prefix
func fromPrefix(prefix netip.Prefix, op expr.CmpOp) []expr.Any {
	network := prefix.Masked().Addr().As4()
	return []expr.Any{
		loadSource(reg1),
		&expr.Bitwise{SourceRegister: reg1, DestRegister: reg1, Len: 4, Mask: net.CIDRMask(prefix.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: reg1, Data: network[:]},
	}
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

// shiftAddresses keeps a set of addresses up to date; key makes an element of one.
func shiftAddresses(conn *nftables.Conn, set *nftables.Set, key func(netip.Addr) []byte, added, removed []netip.Addr) error {
	elements := func(ips []netip.Addr) []nftables.SetElement {
		var all []nftables.SetElement
		for _, ip := range ips {
			all = append(all, nftables.SetElement{Key: key(ip)})
		}
		return all
	}
	if len(removed) > 0 {
		if err := conn.SetDeleteElements(set, elements(removed)); err != nil {
			return err
		}
	}
	if len(added) > 0 {
		return conn.SetAddElements(set, elements(added))
	}
	return nil
}
