package probe

import (
	"fmt"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/doctor"
)

// RunMachine is pid 1 of the machine in the throw-away lab, and reports to out.
func RunMachine(out *os.File) {
	r := report{out}
	r.try(doctor.Sysctls, sysctls)
	r.try(doctor.Nftables, rules)
	r.try(doctor.Cgroup, func() (string, error) { return cgroup.Detect().Explain(), nil })
	r.try(doctor.Inotify, inotify)
	r.try(doctor.Netem, netem)
}

// sysctls are those of the network namespace; others of the same files belong to the whole machine.
func sysctls() (string, error) {
	for _, name := range []string{"ip_forward", "conf/all/route_localnet"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte("1"), 0); err != nil {
			return "", err
		}
	}
	return "can be set", nil
}

// rules asks for one of each thing that Services are made of (engine/proxy), in a single transaction:
//
//	map services { ipv4_addr . inet_proto . inet_service : verdict }
//	chain one         { dnat to numgen random mod 1 map { 0 : 10.244.1.2 . 8080 } }
//	chain prerouting  { fib daddr type local ip daddr . meta l4proto . th dport vmap @services }
//	chain postrouting { masquerade fully-random }
//	chain forward     { reject with icmp port-unreachable }
func rules() (string, error) {
	conn, err := nftables.New()
	if err != nil {
		return "", fmt.Errorf("open nftables: %w", err)
	}
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "probe"})
	add := func(chain *nftables.Chain, exprs ...expr.Any) {
		chain.Table = table
		conn.AddRule(&nftables.Rule{Table: table, Chain: conn.AddChain(chain), Exprs: exprs})
	}
	services := &nftables.Set{
		Table: table, Name: "services", Concatenation: true, IsMap: true, DataType: nftables.TypeVerdict,
		KeyType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService),
	}
	backends := &nftables.Set{
		Table: table, Anonymous: true, Constant: true, IsMap: true, KeyType: nftables.TypeInteger, KeyByteOrder: binaryutil.NativeEndian,
		DataType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService),
	}
	if err := conn.AddSet(services, nil); err != nil {
		return "", err
	}
	err = conn.AddSet(backends, []nftables.SetElement{{Key: binaryutil.NativeEndian.PutUint32(0), Val: []byte{10, 244, 1, 2, 0x1f, 0x90, 0, 0}}})
	if err != nil {
		return "", err
	}
	// Registers 9 and 10 are the second and third quarter of register 1, where concatenations lie.
	add(&nftables.Chain{Name: "one"},
		&expr.Numgen{Register: 1, Modulus: 1, Type: unix.NFT_NG_RANDOM},
		&expr.Lookup{SourceRegister: 1, DestRegister: 1, IsDestRegSet: true, SetName: backends.Name, SetID: backends.ID},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 9})
	add(&nftables.Chain{Name: "prerouting", Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityNATDest},
		&expr.Fib{Register: 1, FlagDADDR: true, ResultADDRTYPE: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 9},
		&expr.Payload{DestRegister: 10, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Lookup{SourceRegister: 1, IsDestRegSet: true, SetName: services.Name, SetID: services.ID})
	add(&nftables.Chain{Name: "postrouting", Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource},
		&expr.Masq{FullyRandom: true})
	add(&nftables.Chain{Name: "forward", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter},
		&expr.Reject{Type: unix.NFT_REJECT_ICMP_UNREACH, Code: 3})
	if err := conn.Flush(); err != nil {
		return "", fmt.Errorf("add nftables rules: %w", err)
	}
	return "Services can be led anywhere", nil
}

// netem slows the machine's loopback down by a millisecond; the machine ends in a moment.
func netem() (string, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return "", err
	}
	attrs := netlink.QdiscAttrs{LinkIndex: lo.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	if err := netlink.QdiscAdd(netlink.NewNetem(attrs, netlink.NetemQdiscAttrs{Latency: 1000})); err != nil {
		return "", fmt.Errorf("add a netem queue: %w", err)
	}
	return "works", nil
}
