package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Gateway is the next hop of every pod. It is a link-local address (RFC 3927) that no interface has.
var Gateway = netip.MustParseAddr("169.254.1.1")

// Pod is how a pod is wired to its node.
type Pod struct {
	Netns         string     // file of the pod's network namespace
	HostInterface string     // name of the node's end of the cable, at most 15 bytes, unique on the node
	Address       netip.Addr // the pod's address
	NodeAddress   netip.Addr // what the pod sees when its node talks to it
	MTU           int        // zero: the kernel's default, 1500
}

// AttachPod wires a pod: lo and eth0 inside, routes and neighbours on both sides. It is called in the node's network
// namespace. The package documentation has the picture. On an error the cable is removed again. There is no DetachPod:
// removing the netns takes the cable and the routes over it along.
func AttachPod(p Pod) error {
	if err := p.attach(); err != nil {
		return fmt.Errorf("attach pod %s: %w", p.Address, err)
	}
	return nil
}

func (p Pod) attach() error {
	if !p.Address.Is4() || !p.NodeAddress.Is4() {
		return fmt.Errorf("pod address %s and node address %s must be IPv4", p.Address, p.NodeAddress)
	}
	netns, err := os.Open(p.Netns)
	if err != nil {
		return err
	}
	defer netns.Close()
	cable := pair{
		outside: p.HostInterface, inside: "eth0", netns: netns, mtu: p.MTU,
		outsideMAC: newMAC(), insideMAC: newMAC(),
	}
	link, err := cable.plug(nil)
	if err != nil {
		return err
	}
	err = do(netns, func() error { return p.wireInside(cable) })
	if err == nil {
		err = p.wireOutside(link, cable)
	}
	if err != nil {
		return errors.Join(err, netlink.LinkDel(link))
	}
	return nil
}

// wireInside runs in the pod's netns.
func (p Pod) wireInside(cable pair) error {
	if _, err := raise("lo"); err != nil {
		return err
	}
	eth0, err := raise("eth0")
	if err != nil {
		return err
	}
	if err := assign(eth0, host(p.Address)); err != nil {
		return err
	}
	index := eth0.Attrs().Index
	gateway := &netlink.Route{LinkIndex: index, Dst: ipNet(host(Gateway)), Scope: netlink.SCOPE_LINK}
	if err := netlink.RouteReplace(gateway); err != nil {
		return fmt.Errorf("add the route to the gateway %s: %w", Gateway, err)
	}
	// A next hop has to be reachable already, so this route comes second.
	byDefault := &netlink.Route{LinkIndex: index, Gw: Gateway.AsSlice()}
	if err := netlink.RouteReplace(byDefault); err != nil {
		return fmt.Errorf("add the default route via %s: %w", Gateway, err)
	}
	return setNeighbour(index, Gateway, cable.outsideMAC)
}

// wireOutside runs in the node's netns. Without an address of its own on the cable, the node would masquerade with
// whatever address it finds first.
func (p Pod) wireOutside(link netlink.Link, cable pair) error {
	if err := assign(link, host(p.NodeAddress)); err != nil {
		return err
	}
	index := link.Attrs().Index
	route := &netlink.Route{LinkIndex: index, Dst: ipNet(host(p.Address)), Scope: netlink.SCOPE_LINK, Src: p.NodeAddress.AsSlice()}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("add the route to the pod: %w", err)
	}
	return setNeighbour(index, p.Address, cable.insideMAC)
}

// setNeighbour tells the kernel the link address of a neighbour for good, so that it never has to ask by ARP.
func setNeighbour(index int, a netip.Addr, mac []byte) error {
	n := &netlink.Neigh{LinkIndex: index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: a.AsSlice(), HardwareAddr: mac}
	if err := netlink.NeighSet(n); err != nil {
		return fmt.Errorf("set neighbour %s: %w", a, err)
	}
	return nil
}
