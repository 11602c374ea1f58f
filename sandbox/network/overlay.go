package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The overlay's device, number and UDP port are flannel's.
const (
	OverlayLink = "flannel.1"
	overlayID   = 1
	OverlayPort = 8472
)

// overlayOverhead is what VXLAN puts around a packet: an outer IPv4 and UDP header, its own, and the inner Ethernet header
// (RFC 7348, 5).
const overlayOverhead = 50

// OverlayMTU is how long packets of pods may be where an overlay carries them between nodes.
const OverlayMTU = 1500 - overlayOverhead

// Overlay is a machine's end of the tunnels between machines (a VTEP, RFC 7348).
type Overlay struct {
	PID     int          // a process in the machine's network namespace; 0: the current one
	Link    string       // the device that leads to the other machines
	Address netip.Addr   // the machine's there
	Pods    netip.Prefix // the machine's pods; the network's own address becomes the machine's in the overlay
}

// AddOverlay makes the machine's end. It knows nobody yet, and never asks: see AddPeer.
func AddOverlay(o Overlay) error {
	if err := inNetns(o.PID, o.make); err != nil {
		return fmt.Errorf("make the overlay's end at %s: %w", o.Address, err)
	}
	return nil
}

func (o Overlay) make() error {
	under, err := netlink.LinkByName(o.Link)
	if err != nil {
		return fmt.Errorf("find link %s: %w", o.Link, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = OverlayLink, OverlayMTU, overlayMAC(o.Address)
	vxlan := &netlink.Vxlan{
		LinkAttrs: attrs, VxlanId: overlayID, VtepDevIndex: under.Attrs().Index, SrcAddr: o.Address.AsSlice(), Port: OverlayPort,
		Learning: false,
	}
	if err := netlink.LinkAdd(vxlan); err != nil {
		return fmt.Errorf("make link %s, of type vxlan (a module of the kernel): %w", OverlayLink, err)
	}
	// Within the pods' range: what the machine itself sends to pods elsewhere, or masquerades on its way there, is answered
	// over the overlay, too.
	err = assign(vxlan, host(o.Pods.Masked().Addr()))
	if err == nil {
		_, err = raise(OverlayLink)
	}
	if err != nil {
		return errors.Join(err, netlink.LinkDel(vxlan))
	}
	return nil
}

// overlayMAC is the link address of a machine's end. It follows from the machine's address, so that nobody has to be asked.
//
// Kubernetes: flannel lets the kernel choose one and writes it on the Node, as annotation flannel.alpha.coreos.com/backend-data.
func overlayMAC(a netip.Addr) net.HardwareAddr {
	b := a.As4()
	return append(net.HardwareAddr{0x0a, 0xf1}, b[:]...)
}

// AddPeer tells the end in pid's network namespace (0: the current one) of another: its pods are behind its address in the overlay
// (a route), which has that link address (a neighbour entry), which is behind its address outside (a forwarding entry).
func AddPeer(pid int, peer Overlay) error {
	if err := inNetns(pid, func() error { return peer.known(netlink.RouteReplace, netlink.NeighSet) }); err != nil {
		return fmt.Errorf("tell of the overlay's end at %s: %w", peer.Address, err)
	}
	return nil
}

// RemovePeer undoes AddPeer.
func RemovePeer(pid int, peer Overlay) error {
	if err := inNetns(pid, func() error { return peer.known(netlink.RouteDel, netlink.NeighDel) }); err != nil {
		return fmt.Errorf("forget the overlay's end at %s: %w", peer.Address, err)
	}
	return nil
}

func (o Overlay) known(route func(*netlink.Route) error, neighbour func(*netlink.Neigh) error) error {
	link, err := netlink.LinkByName(OverlayLink)
	if err != nil {
		return fmt.Errorf("find link %s: %w", OverlayLink, err)
	}
	index, mac, within := link.Attrs().Index, overlayMAC(o.Address), o.Pods.Masked().Addr()
	return errors.Join(
		neighbour(&netlink.Neigh{LinkIndex: index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: within.AsSlice(), HardwareAddr: mac}),
		neighbour(&netlink.Neigh{
			LinkIndex: index, Family: unix.AF_BRIDGE, State: netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF, IP: o.Address.AsSlice(), HardwareAddr: mac,
		}),
		// onlink: that the next hop is on no network of ours is no mistake.
		route(&netlink.Route{LinkIndex: index, Dst: ipNet(o.Pods.Masked()), Gw: within.AsSlice(), Flags: int(netlink.FLAG_ONLINK)}),
	)
}

// inNetns runs fn in a process's network namespace, or, for pid 0, in the current one.
func inNetns(pid int, fn func() error) error {
	if pid == 0 {
		return fn()
	}
	return Do(netnsOf(pid), fn)
}
