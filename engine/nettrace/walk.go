package nettrace

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"drydock/engine/cluster/control"
	"drydock/sandbox/network"
)

// Machine is one network namespace that packets pass through.
type Machine struct {
	Name  string
	Netns string // a file, as /proc/PID/ns/net
}

// Walk says where to begin and who is who.
type Walk struct {
	Machines []Machine
	// Start is the machine where the packet first meets rules: the node of the pod that sends it, or the sender itself.
	Start string
	// FromPod says that the packet comes to Start over a pod's cable.
	FromPod  bool
	From     netip.Addr // zero: whichever the machine would use
	To       netip.AddrPort
	Protocol byte // IPPROTO_TCP or IPPROTO_UDP
	// PodAt names the pod with an address, "" for none.
	PodAt func(netip.Addr) string
}

// Trace walks until the packet has arrived or is lost.
func Trace(w Walk) ([]control.TraceStep, error) {
	type visit struct {
		machine string
		to      netip.AddrPort
	}
	t := &trip{Walk: w, p: &packet{from: netip.AddrPortFrom(w.From, 40000), to: w.To, protocol: w.Protocol}}
	here, forwarded := w.Start, w.FromPod
	for seen := map[visit]bool{}; ; {
		v := visit{here, t.p.to}
		if seen[v] { // back, with the same goal: a node port may lead back, too, but then to a pod
			t.finish(here, "lost", fmt.Sprintf("nobody has the address %s: one router hands the packet to the next, and back, until its time to live is over", t.p.to.Addr()))
			return t.steps, nil
		}
		seen[v] = true
		next, err := t.through(here, forwarded)
		if err != nil || next == "" {
			return t.steps, err
		}
		here, forwarded = next, true
	}
}

// trip is a walk on its way.
type trip struct {
	Walk
	p     *packet
	steps []control.TraceStep
}

func (t *trip) step(where, what, rule string) {
	t.steps = append(t.steps, control.TraceStep{Where: where, What: what, Rule: rule, Packet: t.p.String()})
}

func (t *trip) finish(where, how, what string) {
	t.steps = append(t.steps, control.TraceStep{Where: where, What: what, Packet: t.p.String(), End: how})
}

// through takes the packet through one machine and returns the next one, or "" when the trip is over.
func (t *trip) through(name string, forwarded bool) (next string, err error) {
	t.p.mark = 0 // a mark is lost when a packet goes to another network namespace (skb_scrub_packet)
	for _, m := range t.Machines {
		if m.Name != name {
			continue
		}
		err := network.Do(m.Netns, func() error {
			var err error
			next, err = t.pass(m, forwarded)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("follow the packet on %s: %w", name, err)
		}
		return next, nil
	}
	return "", fmt.Errorf("there is no machine %s", name)
}

// pass runs in the machine's network namespace.
func (t *trip) pass(m Machine, forwarded bool) (next string, err error) {
	rules, err := readRuleset()
	if err != nil {
		return "", err
	}
	defer rules.close()
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return "", fmt.Errorf("list addresses: %w", err)
	}
	own := func(a netip.Addr) bool {
		for _, has := range addresses {
			if has.IP.Equal(a.AsSlice()) {
				return true
			}
		}
		return false
	}
	if !forwarded && !t.p.from.Addr().IsValid() {
		t.p.from = netip.AddrPortFrom(source(t.p.to.Addr()), t.p.from.Port())
	}
	r := &runner{rules: rules, p: t.p, own: own}
	at := func(hook *nftables.ChainHook, name string) (lost bool, err error) {
		r.note = func(chain, rule string) { t.step(m.Name, name+": chain "+chain, rule) }
		e, err := r.hook(hook)
		switch {
		case err != nil:
		case e == dropped:
			t.finish(m.Name, "dropped", "the packet is dropped: whoever sent it waits in vain")
		case e == rejected:
			t.finish(m.Name, "rejected", "the packet is rejected: whoever sent it reads \"connection refused\"")
		}
		return e == dropped || e == rejected, err
	}
	first, firstName := nftables.ChainHookOutput, "output"
	if forwarded {
		first, firstName = nftables.ChainHookPrerouting, "prerouting"
	}
	if lost, err := at(first, firstName); lost || err != nil {
		return "", err
	}
	if own(t.p.to.Addr()) || t.p.to.Addr().IsLoopback() {
		if lost, err := at(nftables.ChainHookInput, "input"); lost || err != nil {
			return "", err
		}
		t.finish(m.Name, "arrived", fmt.Sprintf("%s is an address of %s itself: a process there answers on port %d, or nobody", t.p.to.Addr(), m.Name, t.p.to.Port()))
		return "", nil
	}
	out, via, err := route(t.p.to.Addr())
	if err != nil {
		t.finish(m.Name, "lost", fmt.Sprintf("%s knows no way to %s: %v", m.Name, t.p.to.Addr(), err))
		return "", nil
	}
	t.step(m.Name, "route", fmt.Sprintf("ip route get %s: dev %s%s", t.p.to.Addr(), out.Name, viaText(via)))
	if forwarded {
		if lost, err := at(nftables.ChainHookForward, "forward"); lost || err != nil {
			return "", err
		}
	}
	if lost, err := at(nftables.ChainHookPostrouting, "postrouting"); lost || err != nil {
		return "", err
	}
	if r.masked {
		t.p.from = netip.AddrPortFrom(source(t.p.to.Addr()), t.p.from.Port())
		t.step(m.Name, "masquerade", "the sender is now "+t.p.from.Addr().String())
	}
	return t.leave(m, out, via)
}

func viaText(via netip.Addr) string {
	if via.IsValid() {
		return " via " + via.String()
	}
	return ""
}

// leave finds out what is at the other end of the cable.
func (t *trip) leave(m Machine, out net.Interface, via netip.Addr) (string, error) {
	if pod := t.PodAt(t.p.to.Addr()); pod != "" && !via.IsValid() && out.Name != "eth0" && out.Name != "fabric" {
		t.finish(m.Name, "arrived", fmt.Sprintf("out of %s, whose other end is eth0 of pod %s: port %d there", out.Name, pod, t.p.to.Port()))
		return "", nil
	}
	target := t.p.to.Addr()
	if via.IsValid() {
		target = via
	}
	for _, other := range t.Machines {
		if other.Name == m.Name {
			continue
		}
		there := false
		err := network.Do(other.Netns, func() error {
			addresses, err := netlink.AddrList(nil, netlink.FAMILY_V4)
			for _, a := range addresses {
				there = there || a.IP.Equal(target.AsSlice())
			}
			return err
		})
		if err == nil && there {
			return other.Name, t.wrap(m.Name, out, via, other.Name)
		}
	}
	t.finish(m.Name, "lost", fmt.Sprintf("out of %s, but nobody there has the address %s", out.Name, target))
	return "", nil
}

// route asks the kernel of the current network namespace for the way.
func route(to netip.Addr) (net.Interface, netip.Addr, error) {
	routes, err := netlink.RouteGet(to.AsSlice())
	if err != nil {
		return net.Interface{}, netip.Addr{}, err
	}
	if len(routes) == 0 {
		return net.Interface{}, netip.Addr{}, unix.ENETUNREACH
	}
	link, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return net.Interface{}, netip.Addr{}, fmt.Errorf("find the device of the route: %w", err)
	}
	via, _ := netip.AddrFromSlice(routes[0].Gw)
	return net.Interface{Index: link.Attrs().Index, Name: link.Attrs().Name}, via.Unmap(), nil
}

// source is the address the kernel would send from.
func source(to netip.Addr) netip.Addr {
	routes, err := netlink.RouteGet(to.AsSlice())
	if err != nil || len(routes) == 0 {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(routes[0].Src)
	return a.Unmap()
}
