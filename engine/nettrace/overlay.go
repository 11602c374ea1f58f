package nettrace

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// wrap tells how a packet that leaves over a VXLAN device travels: inside another one. It runs in the machine's network namespace.
func (t *trip) wrap(here string, out net.Interface, via netip.Addr, there string) error {
	link, err := netlink.LinkByIndex(out.Index)
	if err != nil {
		return fmt.Errorf("find %s: %w", out.Name, err)
	}
	tunnel, ok := link.(*netlink.Vxlan)
	if !ok || !via.IsValid() {
		return nil
	}
	neighbours, err := netlink.NeighList(out.Index, unix.AF_INET)
	if err != nil {
		return fmt.Errorf("list neighbours over %s: %w", out.Name, err)
	}
	forwarding, err := netlink.NeighList(out.Index, unix.AF_BRIDGE)
	if err != nil {
		return fmt.Errorf("list forwarding entries of %s: %w", out.Name, err)
	}
	for _, n := range neighbours {
		if !n.IP.Equal(via.AsSlice()) {
			continue
		}
		t.step(here, "neighbour", fmt.Sprintf("ip neigh show %s dev %s: lladdr %s", via, out.Name, n.HardwareAddr))
		for _, f := range forwarding {
			if f.HardwareAddr.String() != n.HardwareAddr.String() {
				continue
			}
			t.step(here, "tunnel", fmt.Sprintf("bridge fdb show dev %s: %s dst %s self", out.Name, f.HardwareAddr, f.IP))
			t.step(here, "wrapped", fmt.Sprintf("inside UDP %s > %s:%d, VXLAN %d, which %s takes off again", tunnel.SrcAddr, f.IP, tunnel.Port, tunnel.VxlanId, there))
		}
	}
	return nil
}
