package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// HostPort leads one port of a node to one port of a pod on it.
type HostPort struct {
	Protocol byte           // unix.IPPROTO_TCP, _UDP or _SCTP
	Address  netip.Addr     // of the node; not valid, or 0.0.0.0: every one of them
	Port     uint16         // of the node
	Pod      netip.AddrPort // where it leads
}

// HostPorts are those of one node, in nftables:
//
//	map addressed { ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service }
//	map ports                 { inet_proto . inet_service : ipv4_addr . inet_service }
//	set hairpin   { ipv4_addr . ipv4_addr }
//	chain prerouting, output: dnat to what the packet finds in addressed, or, if its destination is the node, in ports
//	chain postrouting: masquerade what a pod sends to itself, and what comes from loopback
//
// The zero value is ready for use. Its methods may be called at the same time, in the node's network namespace.
type HostPorts struct {
	mu   sync.Mutex
	made bool // guarded by mu: the table is there
}

var hostPortTable = &nftables.Table{Family: nftables.TableFamilyIPv4, Name: "drydock-hostports"}

// The registers of a concatenation: the second and third 32 bits of register 1 have numbers of their own.
const (
	reg1 = 1
	reg2 = 9
	reg3 = 10
)

// hostPortSets describes the table's sets.
func hostPortSets() (addressed, ports, hairpin *nftables.Set) {
	target := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService)
	set := func(name string, key ...nftables.SetDatatype) *nftables.Set {
		return &nftables.Set{Table: hostPortTable, Name: name, KeyType: nftables.MustConcatSetType(key...), Concatenation: true}
	}
	addressed = set("addressed", nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService)
	ports = set("ports", nftables.TypeInetProto, nftables.TypeInetService)
	addressed.IsMap, addressed.DataType, ports.IsMap, ports.DataType = true, target, true, target
	return addressed, ports, set("hairpin", nftables.TypeIPAddr, nftables.TypeIPAddr)
}

// Open makes the ports lead to their pods; all of them or, with an error, none. cable is the node's end of the pod's link.
func (h *HostPorts) Open(ports []HostPort, cable string) error {
	if len(ports) == 0 {
		return nil
	}
	// Packets from 127.0.0.1 may leave only where this is allowed (route_localnet in ip-sysctl.rst).
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+cable+"/route_localnet", []byte("1"), 0); err != nil {
		return fmt.Errorf("let loopback reach the pod's host ports: %w", err)
	}
	return h.change(ports, func(conn *nftables.Conn, set *nftables.Set, e nftables.SetElement) error {
		return conn.SetAddElements(set, []nftables.SetElement{e})
	})
}

// Close undoes Open.
func (h *HostPorts) Close(ports []HostPort) error {
	if len(ports) == 0 {
		return nil
	}
	return h.change(ports, func(conn *nftables.Conn, set *nftables.Set, e nftables.SetElement) error {
		return conn.SetDeleteElements(set, []nftables.SetElement{{Key: e.Key}})
	})
}

// change does one thing to the elements of all ports, in one transaction.
func (h *HostPorts) change(ports []HostPort, do func(*nftables.Conn, *nftables.Set, nftables.SetElement) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	addressed, anywhere, hairpin := hostPortSets()
	errs := []error{h.makeLocked(conn)}
	pods := map[netip.Addr]bool{}
	for _, p := range ports {
		set := anywhere
		if p.addressed() {
			set = addressed
		}
		errs = append(errs, do(conn, set, p.element()))
		pods[p.Pod.Addr()] = true
	}
	for pod := range pods {
		a := pod.As4()
		errs = append(errs, do(conn, hairpin, nftables.SetElement{Key: append(a[:], a[:]...)}))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("describe host ports: %w", err)
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("change host ports: %w", err)
	}
	h.made = true
	return nil
}

func (p HostPort) addressed() bool { return p.Address.IsValid() && !p.Address.IsUnspecified() }

// element is a line of a map; each field fills a whole register.
func (p HostPort) element() nftables.SetElement {
	var key []byte
	if p.addressed() {
		a := p.Address.As4()
		key = a[:]
	}
	key = append(key, p.Protocol, 0, 0, 0)
	key = append(append(key, binaryutil.BigEndian.PutUint16(p.Port)...), 0, 0)
	a := p.Pod.Addr().As4()
	val := append(append(a[:], binaryutil.BigEndian.PutUint16(p.Pod.Port())...), 0, 0)
	return nftables.SetElement{Key: key, Val: val}
}

// makeLocked describes the table, once.
func (h *HostPorts) makeLocked(conn *nftables.Conn) error {
	if h.made {
		return nil
	}
	conn.AddTable(hostPortTable)
	addressed, ports, hairpin := hostPortSets()
	for _, set := range []*nftables.Set{addressed, ports, hairpin} {
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
	}
	for name, hook := range map[string]*nftables.ChainHook{"prerouting": nftables.ChainHookPrerouting, "output": nftables.ChainHookOutput} {
		chain := natChain(conn, name, hook, nftables.ChainPriorityNATDest)
		addRule(conn, chain, destination(reg1), protocol(reg2), port(reg3), lookUp(addressed), leadThere())
		addRule(conn, chain,
			&expr.Fib{Register: reg1, FlagDADDR: true, ResultADDRTYPE: true},
			&expr.Cmp{Op: expr.CmpOpEq, Register: reg1, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
			protocol(reg1), port(reg2), lookUp(ports), leadThere())
	}
	out := natChain(conn, "postrouting", nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)
	addRule(conn, out, source(reg1), destination(reg2), &expr.Lookup{SourceRegister: reg1, SetName: hairpin.Name, SetID: hairpin.ID}, &expr.Masq{})
	addRule(conn, out,
		&expr.Payload{DestRegister: reg1, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 1}, equals(reg1, 127),
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: reg1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg1, Data: append([]byte("lo"), make([]byte, unix.IFNAMSIZ-2)...)}, &expr.Masq{})
	return nil
}

func natChain(conn *nftables.Conn, name string, hook *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	return conn.AddChain(&nftables.Chain{Table: hostPortTable, Name: name, Type: nftables.ChainTypeNAT, Hooknum: hook, Priority: priority})
}

func addRule(conn *nftables.Conn, chain *nftables.Chain, exprs ...expr.Any) {
	conn.AddRule(&nftables.Rule{Table: hostPortTable, Chain: chain, Exprs: exprs})
}

// source and destination are the addresses of an IPv4 header (RFC 791), port is the destination port, which TCP, UDP and SCTP
// have in the same place.
func source(register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4}
}

func destination(register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4}
}

func port(register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
}

func protocol(register uint32) expr.Any {
	return &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}
}

func equals(register uint32, value byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{value}}
}

// lookUp puts what a map has for the registers into them; a packet that it has nothing for leaves the rule here.
func lookUp(set *nftables.Set) expr.Any {
	return &expr.Lookup{SourceRegister: reg1, DestRegister: reg1, IsDestRegSet: true, SetName: set.Name, SetID: set.ID}
}

// leadThere is: dnat to what is in the registers.
func leadThere() expr.Any {
	return &expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: reg1, RegProtoMin: reg2}
}
