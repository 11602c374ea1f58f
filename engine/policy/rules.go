package policy

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

var table = &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "network-policy"}

// Registers: see engine/proxy. A concatenation's second field lies in the 32-bit register 9.
const (
	reg1 = 1
	reg2 = 9
)

// answers is how much a socket may hold of the kernel's acknowledgements, which are read only after everything was sent. It is
// the most that an unprivileged process may ask for on a machine with default settings (net.core.rmem_max), doubled by the kernel.
const answers = 212992

// kernel is the table of one network namespace. Its methods belong to one goroutine.
type kernel struct {
	conn *nftables.Conn
	port uint32 // the address of conn's socket: what the kernel notes as the author of our changes
}

func newKernel() (*kernel, error) {
	k := &kernel{}
	var err error
	k.conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		k.port = c.PID()
		_, _ = c.SetReadBuffer(answers), c.SetWriteBuffer(answers) // smaller ones do for fewer policies
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	return k, nil
}

func (k *kernel) close() error { return k.conn.CloseLasting() }

// write replaces the table by the plan, at once. A plan that isolates nobody leaves no table.
func (k *kernel) write(p *plan) error {
	k.conn.AddTable(table) // removing a table that is not there is an error
	k.conn.DelTable(table)
	if len(p.isolated[ingress])+len(p.isolated[egress]) > 0 {
		k.conn.AddTable(table)
		b := &builder{conn: k.conn, sets: map[string]*nftables.Set{}}
		b.build(p)
		if b.err != nil {
			return fmt.Errorf("describe network policies: %w", b.err)
		}
	}
	if err := k.conn.Flush(); err != nil {
		return fmt.Errorf("commit %d chains of network policies: %w", len(p.chains), err)
	}
	return nil
}

// builder describes one table; it keeps the first error.
type builder struct {
	conn *nftables.Conn
	sets map[string]*nftables.Set
	err  error
}

func (b *builder) build(p *plan) {
	for _, name := range slices.Sorted(maps.Keys(p.chains)) {
		b.conn.AddChain(&nftables.Chain{Table: table, Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(p.chains)) {
		for _, r := range p.chains[name] {
			b.rule(name, r)
		}
	}
	b.direction(p, egress, nftables.ChainHookForward, nftables.ChainHookInput)
	b.direction(p, ingress, nftables.ChainHookForward)
}

// direction makes the chains of the node's isolated pods and what leads there. Each direction has a base chain of its own: to
// accept a packet ends its way through one base chain only. Egress comes before ingress.
func (b *builder) direction(p *plan, way direction, hooks ...*nftables.ChainHook) {
	isolated := p.isolated[way]
	if len(isolated) == 0 {
		return
	}
	pods := &nftables.Set{Table: table, Name: string(way) + "-pods", IsMap: true, KeyType: nftables.TypeIPAddr, DataType: nftables.TypeVerdict}
	b.addSet(pods, nil)
	var lines []nftables.SetElement
	for _, ip := range slices.SortedFunc(maps.Keys(isolated), netip.Addr.Compare) {
		chain := string(way[:2]) + "-" + ip.String()
		b.pod(chain, way, ip, isolated[ip])
		lines = append(lines, nftables.SetElement{Key: ip.AsSlice(), VerdictData: &expr.Verdict{Kind: expr.VerdictJump, Chain: chain}})
	}
	for few := range slices.Chunk(lines, 200) { // a message has its limits
		b.keep(b.conn.SetAddElements(pods, few))
	}
	priority, offset := nftables.ChainPriorityRef(*nftables.ChainPriorityFilter-10), uint32(12)
	if way == ingress {
		priority, offset = nftables.ChainPriorityRef(*nftables.ChainPriorityFilter-5), 16
	}
	for i, hook := range hooks {
		name := string(way)
		if i > 0 {
			name += "-to-node"
		}
		chain := b.conn.AddChain(&nftables.Chain{Table: table, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: priority})
		b.add(chain.Name, "answers to what was let through", append(established(), &expr.Verdict{Kind: expr.VerdictAccept})...)
		b.add(chain.Name, "", address(offset),
			&expr.Lookup{SourceRegister: reg1, DestRegister: 0, IsDestRegSet: true, SetName: pods.Name, SetID: pods.ID})
	}
}

// pod makes the chain of one isolated pod: itself, what its policies let through, and nothing else.
func (b *builder) pod(chain string, way direction, ip netip.Addr, i isolation) {
	b.conn.AddChain(&nftables.Chain{Table: table, Name: chain})
	other := uint32(12)
	if way == egress {
		other = 16
	}
	b.add(chain, "nobody can keep a pod from itself", address(other),
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: ip.AsSlice()}, &expr.Verdict{Kind: expr.VerdictAccept})
	for _, policy := range i.policies {
		b.add(chain, "", &expr.Verdict{Kind: expr.VerdictJump, Chain: policy})
	}
	b.add(chain, fmt.Sprintf("no policy lets this through: %s of %s", way, i.pod), &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
}

// rule writes one line of a policy's chain.
func (b *builder) rule(chain string, r rule) {
	offset := uint32(12) // of the source address, RFC 791
	if chain[:2] == string(egress[:2]) {
		offset = 16
	}
	var exprs []expr.Any
	if r.peers != nil {
		exprs = append(exprs, b.peers(offset, r.peers)...)
	}
	if r.port != nil {
		exprs = append(exprs, b.port(r.port)...)
	}
	b.add(chain, r.reason, append(exprs, &expr.Verdict{Kind: expr.VerdictAccept})...)
}

func (b *builder) peers(offset uint32, p *peers) []expr.Any {
	if p.block.IsValid() {
		exprs := within(offset, p.block, expr.CmpOpEq)
		for _, except := range p.except {
			exprs = append(exprs, within(offset, except, expr.CmpOpNeq)...)
		}
		return exprs
	}
	set := b.set(&nftables.Set{Table: table, Name: p.name, KeyType: nftables.TypeIPAddr}, func() []nftables.SetElement {
		var all []nftables.SetElement
		for _, ip := range p.ips {
			all = append(all, nftables.SetElement{Key: ip.AsSlice()})
		}
		return all
	})
	return []expr.Any{address(offset), &expr.Lookup{SourceRegister: reg1, SetName: set.Name, SetID: set.ID}}
}

func (b *builder) port(p *port) []expr.Any {
	exprs := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: []byte{protocolNumber(p.protocol)}},
	}
	toPort := func(register uint32) expr.Any {
		return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
	}
	number := binaryutil.BigEndian.PutUint16
	switch {
	case p.isNamed:
		pair := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService)
		set := b.set(&nftables.Set{Table: table, Name: p.set, KeyType: pair, Concatenation: true}, func() []nftables.SetElement {
			var all []nftables.SetElement
			for _, at := range p.named {
				all = append(all, nftables.SetElement{Key: slices.Concat(at.Addr().AsSlice(), number(at.Port()), []byte{0, 0})})
			}
			return all
		})
		return append(exprs, address(16), toPort(reg2), &expr.Lookup{SourceRegister: reg1, SetName: set.Name, SetID: set.ID})
	case p.first == 0:
		return exprs
	case p.first == p.last:
		return append(exprs, toPort(reg1), &expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: number(p.first)})
	}
	return append(exprs, toPort(reg1), &expr.Range{Op: expr.CmpOpEq, Register: reg1, FromData: number(p.first), ToData: number(p.last)})
}

// set makes a set once, however many rules look into it.
func (b *builder) set(set *nftables.Set, elements func() []nftables.SetElement) *nftables.Set {
	if there := b.sets[set.Name]; there != nil {
		return there
	}
	b.sets[set.Name] = set
	b.addSet(set, nil)
	for few := range slices.Chunk(elements(), 400) {
		b.keep(b.conn.SetAddElements(set, few))
	}
	return set
}

func (b *builder) addSet(set *nftables.Set, elements []nftables.SetElement) {
	b.keep(b.conn.AddSet(set, elements))
}

func (b *builder) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

// add appends a rule, with a comment that nft(8) shows.
func (b *builder) add(chain, comment string, exprs ...expr.Any) {
	r := &nftables.Rule{Table: table, Chain: &nftables.Chain{Table: table, Name: chain}, Exprs: exprs}
	if comment != "" {
		r.UserData = userdata.AppendString(nil, userdata.TypeComment, comment[:min(len(comment), 120)])
	}
	b.conn.AddRule(r)
}

func address(offset uint32) expr.Any {
	return &expr.Payload{DestRegister: reg1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4}
}

func within(offset uint32, prefix netip.Prefix, op expr.CmpOp) []expr.Any {
	return []expr.Any{
		address(offset),
		&expr.Bitwise{SourceRegister: reg1, DestRegister: reg1, Len: 4, Mask: net.CIDRMask(prefix.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: reg1, Data: prefix.Addr().AsSlice()},
	}
}

// established is: ct state established,related
func established() []expr.Any {
	bits := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg1},
		&expr.Bitwise{SourceRegister: reg1, DestRegister: reg1, Len: 4, Mask: bits, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg1, Data: make([]byte, 4)},
	}
}

func protocolNumber(p corev1.Protocol) byte {
	switch p {
	case corev1.ProtocolUDP:
		return unix.IPPROTO_UDP
	case corev1.ProtocolSCTP:
		return unix.IPPROTO_SCTP
	}
	return unix.IPPROTO_TCP
}
