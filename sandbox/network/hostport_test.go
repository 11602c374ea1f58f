package network_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"drydock/sandbox/network"
)

func TestHostPortsLeadToThePod(t *testing.T) {
	fabric := newMachine(t)
	node := newMachine(t)
	nodeAddress := netip.MustParseAddr("172.30.0.11")
	check(t, network.Do(fabric.netns, func() error {
		if err := network.NewFabric("fabric", netip.MustParsePrefix("172.30.0.1/24")); err != nil {
			return err
		}
		return network.AttachNode(network.Node{
			Bridge: "fabric", Name: "node-1", PID: node.pid, Address: netip.PrefixFrom(nodeAddress, 24), Gateway: netip.MustParseAddr("172.30.0.1"),
		})
	}))
	web := attachPod(t, node, network.Pod{HostInterface: "vethweb", Address: netip.MustParseAddr("10.244.1.2"), NodeAddress: nodeAddress})
	cli := attachPod(t, node, network.Pod{HostInterface: "vethcli", Address: netip.MustParseAddr("10.244.1.3"), NodeAddress: nodeAddress})
	var ports network.HostPorts
	everywhere := []network.HostPort{
		{Protocol: unix.IPPROTO_TCP, Port: 80, Pod: netip.MustParseAddrPort("10.244.1.2:80")},
		{Protocol: unix.IPPROTO_UDP, Port: 80, Pod: netip.MustParseAddrPort("10.244.1.2:53")},
	}
	open := func(p []network.HostPort) {
		t.Helper()
		check(t, network.Do(node.netns, func() error { return ports.Open(p, "vethweb") }))
	}
	shut := func(p []network.HostPort) {
		t.Helper()
		check(t, network.Do(node.netns, func() error { return ports.Close(p) }))
	}
	open(everywhere)
	for _, c := range []struct{ name, from, to, want string }{
		{"another pod", cli, "172.30.0.11", "10.244.1.3"},
		{"another machine", fabric.netns, "172.30.0.11", "172.30.0.1"},
		{"the pod itself", web, "172.30.0.11", "172.30.0.11"},
		{"the node", node.netns, "172.30.0.11", "172.30.0.11"},
		{"the node's loopback", node.netns, "127.0.0.1", "172.30.0.11"},
		{"the pod's own address", cli, "10.244.1.2", "10.244.1.3"},
	} {
		if got, err := ask(c.from, c.to); err != nil || got != c.want {
			t.Errorf("from %s: the pod sees %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	shut(everywhere)
	if got, err := askFor(impatience, cli, "172.30.0.11"); err == nil {
		t.Errorf("a closed port answers %q", got)
	}

	one := []network.HostPort{{Protocol: unix.IPPROTO_TCP, Address: nodeAddress, Port: 80, Pod: netip.MustParseAddrPort("10.244.1.2:80")}}
	open(one)
	if _, err := ask(cli, "172.30.0.11"); err != nil {
		t.Errorf("a port of one address: %v", err)
	}
	if got, err := askFor(impatience, node.netns, "127.0.0.1"); err == nil {
		t.Errorf("a port of one address answers %q at another", got)
	}
	shut(one)
	if err := network.Do(node.netns, func() error { return ports.Open(one, "nosuch") }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a cable that is not there: %v", err)
	}
}
