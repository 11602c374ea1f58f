package network_test

import (
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"drydock/sandbox/network"
)

// TestOverlay: two machines that know nothing of each other's pods but through the overlay.
func TestOverlay(t *testing.T) {
	lab := newMachine(t)
	check(t, network.Do(lab.netns, func() error { return network.NewFabric("fabric", netip.MustParsePrefix("172.30.0.1/24")) }))
	ends, nodes, pods := []network.Overlay{}, []machine{}, []string{}
	for i, name := range []string{"node-1", "node-2"} {
		node := newMachine(t)
		address := netip.AddrFrom4([4]byte{172, 30, 0, byte(11 + i)})
		cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(1 + i), 0}), 24)
		check(t, network.Do(lab.netns, func() error {
			return network.AttachNode(network.Node{Bridge: "fabric", Name: name, PID: node.pid, Address: netip.PrefixFrom(address, 24)})
		}))
		end := network.Overlay{PID: node.pid, Link: "eth0", Address: address, Pods: cidr}
		check(t, network.AddOverlay(end))
		pod := newNetns(t)
		check(t, network.Do(node.netns, func() error {
			return network.AttachPod(network.Pod{
				Netns: pod, HostInterface: "veth0", Address: cidr.Addr().Next().Next(), NodeAddress: address, MTU: network.OverlayMTU,
			})
		}))
		serve(t, pod)
		ends, nodes, pods = append(ends, end), append(nodes, node), append(pods, pod)
	}
	there := netip.MustParseAddr("10.244.2.2")
	check(t, network.AddPeer(nodes[0].pid, ends[1]))
	check(t, network.AddPeer(nodes[1].pid, ends[0]))
	if got, err := ask(pods[0], there.String()); err != nil || got != "10.244.1.2" {
		t.Errorf("over the overlay: %q, %v; want to be seen as 10.244.1.2", got, err)
	}
	if got, err := ask(nodes[0].netns, there.String()); err != nil || got != "10.244.1.0" {
		t.Errorf("from the node: %q, %v; want to be seen as 10.244.1.0", got, err)
	}
	check(t, network.AddPeer(nodes[0].pid, ends[1])) // twice is fine
	check(t, network.Do(pods[0], func() error {
		link, err := netlink.LinkByName("eth0")
		if err == nil && link.Attrs().MTU != 1450 {
			t.Errorf("MTU of the pod's cable: %d, want 1450", link.Attrs().MTU)
		}
		return err
	}))
	check(t, network.RemovePeer(nodes[0].pid, ends[1]))
	if got, err := askFor(impatience, pods[0], there.String()); err == nil {
		t.Errorf("answered %q though the other end is forgotten", got)
	}
}

// TestNodeKeepsItsCard: a machine that comes back has the link address that its neighbours remember.
func TestNodeKeepsItsCard(t *testing.T) {
	lab := newMachine(t)
	check(t, network.Do(lab.netns, func() error { return network.NewFabric("fabric", netip.MustParsePrefix("172.30.0.1/24")) }))
	var cards []string
	for range 2 {
		node := newMachine(t)
		check(t, network.Do(lab.netns, func() error {
			return network.AttachNode(network.Node{Bridge: "fabric", Name: "node-1", PID: node.pid, Address: netip.MustParsePrefix("172.30.0.11/24")})
		}))
		check(t, network.Do(node.netns, func() error {
			link, err := netlink.LinkByName("eth0")
			if err == nil {
				cards = append(cards, link.Attrs().HardwareAddr.String())
			}
			return err
		}))
		check(t, network.Do(lab.netns, func() error { return network.DetachNode("node-1") }))
	}
	if cards[0] != cards[1] {
		t.Errorf("the node's card was %s and is %s", cards[0], cards[1])
	}
}
