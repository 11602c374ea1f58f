package network

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// pair describes a veth pair: two network devices joined by a cable. What goes in on one side comes out on the other.
type pair struct {
	outside, inside string // the devices' names
	netns           *os.File
	mtu             int
	outsideMAC      net.HardwareAddr
	insideMAC       net.HardwareAddr
}

// plug makes the pair with its inner end in p.netns from the start: a device that is moved later would exist here for a
// moment under a name another pod also uses.
func (p pair) plug(bridge netlink.Link) (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = p.outside, p.outsideMAC
	if p.mtu > 0 {
		attrs.MTU = p.mtu
	}
	if bridge != nil {
		attrs.MasterIndex = bridge.Attrs().Index
	}
	veth := &netlink.Veth{
		LinkAttrs: attrs, PeerName: p.inside, PeerHardwareAddr: p.insideMAC, PeerMTU: uint32(attrs.MTU),
		PeerNamespace: netlink.NsFd(int(p.netns.Fd())),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("make link %s: %w", p.outside, err)
	}
	if err := netlink.LinkSetUp(veth); err != nil {
		return nil, errors.Join(fmt.Errorf("bring %s up: %w", p.outside, err), netlink.LinkDel(veth))
	}
	return veth, nil
}

// newMAC returns a random address, locally administered and not a multicast one (IEEE 802-2014, 8.4).
func newMAC() net.HardwareAddr {
	mac := make(net.HardwareAddr, 6)
	_, _ = rand.Read(mac) // crypto/rand.Read never returns an error
	mac[0] = mac[0]&^1 | 2
	return mac
}

// raise brings a device of the current netns up and returns it.
func raise(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("find link %s: %w", name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return nil, fmt.Errorf("bring %s up: %w", name, err)
	}
	return link, nil
}

// assign gives link an address; one it has already is no error.
func assign(link netlink.Link, p netip.Prefix) error {
	err := netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(p)})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("give %s the address %s: %w", link.Attrs().Name, p, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// host is the prefix that holds a alone.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// setSysctl writes a setting below /proc/sys/net; the kernel applies it to the netns of the calling thread.
func setSysctl(path, value string) error {
	if err := os.WriteFile("/proc/sys/net/"+path, []byte(value), 0o644); err != nil {
		return fmt.Errorf("set net/%s to %s: %w", path, value, err)
	}
	return nil
}
