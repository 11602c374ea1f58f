package proxy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"drydock/engine/decision"
)

// announcedBy is the annotation by which the service controller says which node answers for a load balancer's address.
//
// Kubernetes: kube-proxy leaves this to whoever made the load balancer; on bare metal that is the speaker of MetalLB in its
// layer 2 mode, whose way this is.
const announcedBy = "drydock.dev/announced-by"

const (
	uplink = "eth0"
	// label marks our addresses, so that a proxy that was started again knows which ones its predecessor took.
	label = uplink + ":lb"
)

// speaker answers for the addresses of load balancers on the network between nodes, by having them.
type speaker struct{ has []netip.Addr }

// announce takes and gives up addresses as the API says.
func (p *Proxy) announce() error {
	want := p.state.announced()
	slices.SortFunc(want, netip.Addr.Compare)
	if want = slices.Compact(want); slices.Equal(want, p.speaker.has) {
		return nil
	}
	link, err := netlink.LinkByName(uplink)
	if err != nil {
		return fmt.Errorf("announce addresses of load balancers: find %s: %w", uplink, err)
	}
	taken, err := labelled(link)
	if err != nil {
		return err
	}
	for _, ip := range without(taken, want) {
		if err := netlink.AddrDel(link, address(ip)); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("give up %s: %w", ip, err)
		}
		p.recordAddress(ip, "WithdrawAddress")
	}
	for _, ip := range without(want, taken) {
		if err := netlink.AddrAdd(link, address(ip)); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("take %s: %w", ip, err)
		}
		p.recordAddress(ip, "AnnounceAddress")
		if err := proclaim(link, ip); err != nil {
			return fmt.Errorf("proclaim %s: %w", ip, err)
		}
	}
	p.speaker.has = want
	return nil
}

func address(ip netip.Addr) *netlink.Addr { return &netlink.Addr{IPNet: netip32(ip), Label: label} }

func netip32(ip netip.Addr) *net.IPNet {
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(32, 32)}
}

func labelled(link netlink.Link) ([]netip.Addr, error) {
	list, err := netlink.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", uplink, err)
	}
	var ours []netip.Addr
	for _, a := range list {
		if ip, ok := netip.AddrFromSlice(a.IP); ok && a.Label == label {
			ours = append(ours, ip.Unmap())
		}
	}
	return ours, nil
}

// proclaim tells everybody on the cable at once whose the address is now: they may remember another node (gratuitous ARP,
// RFC 5227, 3).
func proclaim(link netlink.Link, ip netip.Addr) error {
	const arp = 0x0806
	network := func(v uint16) uint16 { return v<<8 | v>>8 } // htons: the machines we run on are little-endian
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(network(arp)))
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	mac, everybody := link.Attrs().HardwareAddr, []byte{255, 255, 255, 255, 255, 255}
	if len(mac) != 6 {
		return nil // no Ethernet, no ARP
	}
	own := ip.As4()
	packet := slices.Concat([]byte{0, 1, 8, 0, 6, 4, 0, 1}, mac, own[:], everybody, own[:]) // a request for one's own address
	to := &unix.SockaddrLinklayer{Protocol: network(arp), Ifindex: link.Attrs().Index, Halen: 6, Addr: [8]byte(append(everybody, 0, 0))}
	return unix.Sendto(fd, packet, 0, to)
}

func (p *Proxy) recordAddress(ip netip.Addr, action string) {
	p.cfg.Recorder.Record(decision.Record{
		Actor: p.actor(), Action: action, After: ip.String(), Object: decision.Object{Resource: "nodes", Name: p.cfg.NodeName},
	})
}
