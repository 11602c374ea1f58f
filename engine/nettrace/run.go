package nettrace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// end is how a chain, or a rule, ended.
type end int

const (
	goOn end = iota
	accepted
	dropped
	rejected
	returned
)

// runner takes one packet through the chains of one machine.
type runner struct {
	rules *ruleset
	p     *packet
	own   func(netip.Addr) bool // whether an address is the machine's
	note  func(chain, rule string)

	registers registers
	words     []string // of the rule so far
	masked    bool     // the packet gets the sender's address of the way out
	jumpTo    string
	table     *nftables.Table
}

// hook runs all chains of a hook; what one accepts the next ones still see.
func (r *runner) hook(h *nftables.ChainHook) (end, error) {
	for _, c := range r.rules.hooked(h) {
		if e, err := r.chain(c, 0); e == dropped || e == rejected || err != nil {
			return e, err
		}
	}
	return goOn, nil
}

const maxDepth = 16 // NFT_JUMP_STACK_SIZE

func (r *runner) chain(c *nftables.Chain, depth int) (end, error) {
	if c == nil || depth > maxDepth {
		return goOn, errors.New("the rules lead to a chain that is not there")
	}
	rules, err := r.rules.conn.GetRules(c.Table, c)
	if err != nil {
		return goOn, fmt.Errorf("read chain %s: %w", c.Name, err)
	}
	for _, rule := range rules {
		r.table, r.words, r.jumpTo = c.Table, nil, ""
		e, leave, err := r.rule(rule)
		if err != nil {
			return goOn, err
		}
		if e < 0 {
			continue // it does not fit
		}
		text := strings.Join(r.words, " ")
		if comment, ok := userdata.GetString(rule.UserData, userdata.TypeComment); ok {
			text += fmt.Sprintf(" comment %q", comment)
		}
		r.note(c.Table.Name+" "+c.Name, text)
		if r.jumpTo != "" {
			if e, err = r.chain(r.rules.chain(c.Table, r.jumpTo), depth+1); err != nil {
				return goOn, err
			}
			if e == returned {
				e = goOn
			}
		}
		if e != goOn || leave {
			return e, nil
		}
	}
	if c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop {
		return dropped, nil
	}
	return goOn, nil
}

const unfit end = -1

// rule runs one rule; leave says that its chain is left afterwards (goto). A rule that only matches, or whose end is to go on, is
// an end of goOn.
func (r *runner) rule(rule *nftables.Rule) (e end, leave bool, err error) {
	r.registers = registers{}
	for _, x := range rule.Exprs {
		switch x := x.(type) {
		case *expr.Verdict:
			return r.verdict(x)
		case *expr.Lookup:
			verdict, fits, err := r.lookup(x)
			if err != nil || !fits {
				return unfit, false, err
			}
			if verdict != nil {
				return r.verdict(verdict)
			}
		case *expr.NAT:
			return accepted, false, r.translate(x)
		case *expr.Masq:
			r.masked = true
			r.say("masquerade")
			return accepted, false, nil
		case *expr.Reject:
			r.say("reject")
			return rejected, false, nil
		default:
			if !r.step(x) {
				return unfit, false, nil
			}
		}
	}
	return goOn, false, nil
}

func (r *runner) say(format string, args ...any) {
	r.words = append(r.words, fmt.Sprintf(format, args...))
}

// verdict ends a rule.
func (r *runner) verdict(v *expr.Verdict) (end, bool, error) {
	switch v.Kind {
	case expr.VerdictAccept:
		r.say("accept")
		return accepted, false, nil
	case expr.VerdictDrop:
		r.say("drop")
		return dropped, false, nil
	case expr.VerdictReturn:
		r.say("return")
		return returned, true, nil
	case expr.VerdictJump, expr.VerdictGoto:
		r.jumpTo = v.Chain
		word := "jump"
		if v.Kind == expr.VerdictGoto {
			word = "goto"
		}
		r.say("%s %s", word, v.Chain)
		return goOn, v.Kind == expr.VerdictGoto, nil
	}
	return goOn, false, nil
}

// lookup asks a set or a map. From a map of verdicts comes one.
func (r *runner) lookup(x *expr.Lookup) (*expr.Verdict, bool, error) {
	set, elements, err := r.rules.set(r.table, x.SetName)
	if err != nil {
		return nil, false, err
	}
	length := 4 // of the key in bytes; what the set's type says of a concatenation leaves out the padding
	if len(elements) > 0 {
		length = len(elements[0].Key)
	}
	asked, key := r.registers.text(x.SourceRegister, length), r.registers.read(x.SourceRegister, length)
	element, found := find(elements, key)
	if found == x.Invert {
		return nil, false, nil
	}
	name := "@" + set.Name
	if set.Anonymous {
		name = anonymous(elements)
	}
	switch {
	case !x.IsDestRegSet:
		r.say("%s %s%s", asked, map[bool]string{true: "!= "}[x.Invert], name)
		return nil, true, nil
	case x.DestRegister == 0:
		verdict, err := decodeVerdict(element.Val)
		if err != nil {
			return nil, false, fmt.Errorf("read map %s: %w", set.Name, err)
		}
		r.say("%s vmap %s # so:", asked, name)
		return verdict, true, nil
	}
	r.registers.load(x.DestRegister, element.Val, fmt.Sprintf("%s map %s", asked, name))
	return nil, true, nil
}

// decodeVerdict reads nested attributes: NFTA_VERDICT_CODE and NFTA_VERDICT_CHAIN.
func decodeVerdict(data []byte) (*expr.Verdict, error) {
	attributes, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return nil, err
	}
	attributes.ByteOrder = binary.BigEndian
	v := &expr.Verdict{}
	for attributes.Next() {
		switch attributes.Type() {
		case unix.NFTA_VERDICT_CODE:
			v.Kind = expr.VerdictKind(int32(attributes.Uint32()))
		case unix.NFTA_VERDICT_CHAIN:
			v.Chain = attributes.String()
		}
	}
	return v, attributes.Err()
}

// anonymous prints a map that only one rule has: which numbers lead to which endpoints.
func anonymous(elements []nftables.SetElement) string {
	elements = slices.Clone(elements)
	slices.SortFunc(elements, func(a, b nftables.SetElement) int { return bytes.Compare(a.Key, b.Key) })
	var lines []string
	for _, e := range elements {
		line := fmt.Sprint(binary.NativeEndian.Uint32(e.Key))
		if len(e.Val) >= 6 {
			line += fmt.Sprintf(" : %s . %d", net.IP(e.Val[:4]), binary.BigEndian.Uint16(e.Val[4:]))
		}
		lines = append(lines, line)
	}
	if len(lines) > 6 {
		lines = append(lines[:5], fmt.Sprintf("… %d more", len(lines)-5))
	}

	return "{ " + strings.Join(lines, ", ") + " }"
}

// translate rewrites the destination from the registers.
func (r *runner) translate(x *expr.NAT) error {
	if x.Type != expr.NATTypeDestNAT {
		r.say("snat")
		return nil
	}
	address, ok := netip.AddrFromSlice(r.registers.read(x.RegAddrMin, 4))
	if !ok {
		return errors.New("a rule rewrites the destination to no address")
	}
	port := r.p.to.Port()
	if x.RegProtoMin != 0 {
		port = binary.BigEndian.Uint16(r.registers.read(x.RegProtoMin, 2))
	}
	r.say("dnat ip to %s", r.registers.text(x.RegAddrMin, 8))
	r.p.to = netip.AddrPortFrom(address, port)
	return nil
}

// step runs an expression that only computes or compares; false ends the rule.
func (r *runner) step(x expr.Any) bool {
	switch x := x.(type) {
	case *expr.Payload:
		return r.payload(x)
	case *expr.Meta:
		return r.meta(x)
	case *expr.Fib:
		kind, which := uint32(unix.RTN_UNICAST), "daddr"
		address := r.p.to.Addr()
		if x.FlagSADDR {
			which, address = "saddr", r.p.from.Addr()
		}
		if r.own(address) {
			kind = unix.RTN_LOCAL
		}
		r.registers.load(x.Register, binary.NativeEndian.AppendUint32(nil, kind), "fib "+which+" type")
	case *expr.Ct:
		r.registers.load(x.Register, binary.NativeEndian.AppendUint32(nil, expr.CtStateBitNEW), "ct state")
	case *expr.Bitwise:
		r.bitwise(x)
	case *expr.Cmp:
		return r.compare(x)
	case *expr.Range:
		value := r.registers.read(x.Register, len(x.FromData))
		r.say("%s %d-%d", r.registers.text(x.Register, len(x.FromData)), binary.BigEndian.Uint16(x.FromData), binary.BigEndian.Uint16(x.ToData))
		return (bytes.Compare(value, x.FromData) >= 0 && bytes.Compare(value, x.ToData) <= 0) == (x.Op == expr.CmpOpEq)
	case *expr.Numgen:
		words := fmt.Sprintf("numgen random mod %d", x.Modulus)
		r.registers.load(x.Register, binary.NativeEndian.AppendUint32(nil, rand.Uint32N(max(x.Modulus, 1))), words)
	case *expr.Dynset:
		r.say("update @%s { %s : … }", x.SetName, r.registers.text(x.SrcRegKey, 4))
	case *expr.Counter:
		r.say("counter packets %d bytes %d", x.Packets, x.Bytes)
	default:
		r.say("(%T)", x)
		return false
	}
	return true
}

func (r *runner) payload(x *expr.Payload) bool {
	header, name := r.p.network(), map[uint32]string{9: "ip protocol", 12: "ip saddr", 16: "ip daddr"}[x.Offset]
	if x.Base == expr.PayloadBaseTransportHeader {
		header, name = r.p.transport(), map[uint32]string{0: "th sport", 2: "th dport"}[x.Offset]
	}
	if int(x.Offset+x.Len) > len(header) || name == "" {
		return false
	}
	r.registers.load(x.DestRegister, header[x.Offset:x.Offset+x.Len], name)
	return true
}

func (r *runner) meta(x *expr.Meta) bool {
	switch {
	case x.Key == expr.MetaKeyMARK && x.SourceRegister:
		r.p.mark = binary.NativeEndian.Uint32(r.registers.read(x.Register, 4))
		r.say("meta mark set %s", r.registers.text(x.Register, 4))
	case x.Key == expr.MetaKeyMARK:
		r.registers.load(x.Register, binary.NativeEndian.AppendUint32(nil, r.p.mark), "meta mark")
	case x.Key == expr.MetaKeyL4PROTO:
		r.registers.load(x.Register, []byte{r.p.protocol}, "meta l4proto")
	default:
		return false
	}
	return true
}
