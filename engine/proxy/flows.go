package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
)

// flows is the kernel's list of connections that it translates. For UDP a "connection" is packets between the same two
// addresses and ports within some seconds of each other, so a client that keeps asking from one port would be sent to the
// endpoint it was first sent to for ever, also when that has gone. TCP notices by itself.
type flows struct{ handle *netlink.Handle }

func openFlows() (*flows, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open the list of connections: %w", err)
	}
	return &flows{handle}, nil
}

func (f *flows) close() { f.handle.Close() }

// cut ends the UDP flows to changed ports that lead to no present endpoint, or were let through before there was any.
func (f *flows) cut(batch []change) error {
	var stale staleFlows
	for _, c := range batch {
		if c.id().protocol == corev1.ProtocolUDP && c.strands() {
			stale = append(stale, c)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	_, err := f.handle.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, stale)
	// Interrupted: the list changed while it was read, and what we found was cut. A flow may have ended by itself meanwhile.
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("cut connections of %d changed ports: %w", len(stale), err)
	}
	return nil
}

// strands says whether a change may leave flows that lead nowhere: it takes an endpoint away, or gives the first one.
func (c change) strands() bool {
	if c.before == nil || c.after == nil {
		return true
	}
	was, is := c.before.endpointAddresses(), c.after.endpointAddresses()
	return len(was) == 0 || len(without(was, is)) > 0 || c.before.address != c.after.address
}

// staleFlows picks the flows to cut.
type staleFlows []change

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (s staleFlows) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
	if flow.Forward.Protocol != unix.IPPROTO_UDP {
		return false
	}
	to, ok1 := netip.AddrFromSlice(flow.Forward.DstIP)
	from, ok2 := netip.AddrFromSlice(flow.Reverse.SrcIP)
	if !ok1 || !ok2 {
		return false
	}
	front := netip.AddrPortFrom(to.Unmap(), flow.Forward.DstPort)
	endpoint := netip.AddrPortFrom(from.Unmap(), flow.Reverse.SrcPort)
	for _, c := range s {
		if c.before.isFront(front) && c.after == nil {
			return endpoint != front
		}
		if c.after.isFront(front) {
			return !slices.Contains(c.after.endpoints, endpoint) && !slices.Contains(c.after.local, endpoint)
		}
	}
	return false
}

// isFront says whether at is one of the port's addresses; p may be nil.
func (p *servicePort) isFront(at netip.AddrPort) bool {
	if p == nil {
		return false
	}
	// A node port is open at addresses that we do not know here: whatever was translated there was for us.
	return at == p.address || p.nodePort != 0 && at.Port() == p.nodePort ||
		at.Port() == p.address.Port() && slices.Contains(p.external, at.Addr())
}
