package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NewFabric makes the switch between the nodes in the current network namespace, gives it the lab's own address, and lets
// the lab forward what nodes send to it. lo is brought up as well.
func NewFabric(bridge string, address netip.Prefix) error {
	if err := newFabric(bridge, address); err != nil {
		return fmt.Errorf("make fabric %s: %w", bridge, err)
	}
	return nil
}

func newFabric(name string, address netip.Prefix) error {
	if _, err := raise("lo"); err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	// A bridge without a fixed address takes over the lowest of its ports' and changes it whenever a node joins, which
	// every neighbour then has to learn again.
	attrs.Name, attrs.HardwareAddr = name, newMAC()
	bridge := &netlink.Bridge{LinkAttrs: attrs}
	if err := netlink.LinkAdd(bridge); err != nil {
		return err
	}
	err := assign(bridge, address)
	if err == nil {
		_, err = raise(name)
	}
	if err == nil {
		err = forwards()
	}
	if err != nil {
		return errors.Join(err, netlink.LinkDel(bridge))
	}
	return nil
}

// Node is how a node is plugged into the fabric.
type Node struct {
	Bridge  string       // the fabric's name
	Name    string       // the node's name, and its cable's name on the fabric: at most 15 bytes
	PID     int          // a process in the node's network namespace
	Address netip.Prefix // the node's address on the fabric
	Gateway netip.Addr   // the node's default route; the zero Addr means none
}

// AttachNode plugs a node into the fabric of the current network namespace. Inside the node it brings up lo and eth0, sets
// the address and the default route, and turns on forwarding, without which a node carries no traffic for its pods. On an
// error the cable is removed again. When the node's netns goes, its cable goes too.
func AttachNode(n Node) error {
	if err := n.attach(); err != nil {
		return fmt.Errorf("attach node %s: %w", n.Name, err)
	}
	return nil
}

func (n Node) attach() error {
	bridge, err := netlink.LinkByName(n.Bridge)
	if err != nil {
		return fmt.Errorf("find fabric %s: %w", n.Bridge, err)
	}
	netns, err := os.Open(netnsOf(n.PID))
	if err != nil {
		return err
	}
	defer netns.Close()
	cable := pair{outside: n.Name, inside: "eth0", netns: netns, outsideMAC: newMAC(), insideMAC: cardMAC(n.Address.Addr())}
	link, err := cable.plug(bridge)
	if err != nil {
		return err
	}
	if err := do(netns, n.wireInside); err != nil {
		return errors.Join(err, netlink.LinkDel(link))
	}
	return nil
}

// cardMAC is the link address of a node's card. It stays the same over the node's whole life: with another one after each start,
// those who knew the old one would send into the void until their ARP entries ran out, half a minute later.
func cardMAC(a netip.Addr) net.HardwareAddr {
	b := a.As4()
	return append(net.HardwareAddr{0x02, 0x0d}, b[:]...)
}

// wireInside runs in the node's netns.
func (n Node) wireInside() error {
	if _, err := raise("lo"); err != nil {
		return err
	}
	eth0, err := raise("eth0")
	if err != nil {
		return err
	}
	if err := assign(eth0, n.Address); err != nil {
		return err
	}
	if n.Gateway.IsValid() {
		route := &netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: n.Gateway.AsSlice()}
		if err := netlink.RouteReplace(route); err != nil {
			return fmt.Errorf("add the default route via %s: %w", n.Gateway, err)
		}
	}
	return forwards()
}

// forwards makes a router of the current network namespace, one that always says why it takes no packet. By itself Linux tells a
// sender only once a second that a port cannot be reached (icmp(7), icmp_ratelimit), so that of a few visits to a Service without
// endpoints some are refused and some wait: no behaviour to learn from, and none to check.
// Kubernetes: nodes keep the kernel's limit.
func forwards() error {
	return errors.Join(setSysctl("ipv4/ip_forward", "1"), setSysctl("ipv4/icmp_ratemask", "0"))
}

// DetachNode removes a node's cable; one that is gone already is no error. Needed before a node that has lost its power is attached
// again, because the kernel takes its time to free a network namespace, and the cable's name with it.
func DetachNode(name string) error {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the cable of node %s: %w", name, err)
	}
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("remove the cable of node %s: %w", name, err)
	}
	return nil
}

// SetNodeLink cuts (up=false) or heals a node's cable, at the fabric's end. The node keeps its address and routes and
// sees its carrier go, as with a pulled cable.
func SetNodeLink(name string, up bool) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find the cable of node %s: %w", name, err)
	}
	set, verb := netlink.LinkSetUp, "heal"
	if !up {
		set, verb = netlink.LinkSetDown, "cut"
	}
	if err := set(link); err != nil {
		return fmt.Errorf("%s the cable of node %s: %w", verb, name, err)
	}
	return nil
}

// Route sends what is for Destination to the next hop Via.
type Route struct {
	PID         int // a process in the network namespace that gets the route; 0: the current one
	Destination netip.Prefix
	Via         netip.Addr
	// Link is the device when there is no next hop: the destination is, as far as routes know, on that cable.
	Link string
}

// AddRoute adds a route, or replaces the one to the same destination: the pods of another node are behind that node.
func AddRoute(r Route) error {
	if err := r.apply(netlink.RouteReplace); err != nil {
		return fmt.Errorf("add the route to %s via %s: %w", r.Destination, r.next(), err)
	}
	return nil
}

// RemoveRoute removes a route that AddRoute added.
func RemoveRoute(r Route) error {
	if err := r.apply(netlink.RouteDel); err != nil {
		return fmt.Errorf("remove the route to %s via %s: %w", r.Destination, r.next(), err)
	}
	return nil
}

func (r Route) apply(change func(*netlink.Route) error) error {
	set := func() error {
		route := &netlink.Route{Dst: ipNet(r.Destination.Masked())}
		if r.Via.IsValid() {
			route.Gw = r.Via.AsSlice()
		} else {
			link, err := netlink.LinkByName(r.Link)
			if err != nil {
				return fmt.Errorf("find link %s: %w", r.Link, err)
			}
			route.LinkIndex, route.Scope = link.Attrs().Index, netlink.SCOPE_LINK
		}
		return change(route)
	}
	if r.PID == 0 {
		return set()
	}
	return Do(netnsOf(r.PID), set)
}

func (r Route) next() string {
	if r.Via.IsValid() {
		return r.Via.String()
	}
	return r.Link
}

func netnsOf(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/ns/net" }
