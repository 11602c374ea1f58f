package cluster

import (
	"fmt"
	"net/netip"
)

// The addresses of a lab. Every lab has the same ones: its network namespace is its own.
var (
	fabricPrefix   = netip.MustParsePrefix("172.30.0.1/24") // the bridge, and on it the API server
	podRange       = netip.MustParsePrefix("10.244.0.0/16")
	serviceRange   = netip.MustParsePrefix("10.96.0.0/16")
	apiServiceAddr = netip.MustParseAddr("10.96.0.1")
	// what load balancers get, above all nodes' addresses
	firstBalancer  = netip.MustParseAddr("172.30.0.200")
	lastBalancer   = netip.MustParseAddr("172.30.0.250")
	dnsServiceAddr = netip.MustParseAddr("10.96.0.10") // as kubeadm gives it
)

const (
	fabricBridge = "fabric"
	apiPort      = 6443
	// maxNodes is bounded by the fabric's /24, with room below .11 for the lab's own addresses and from .200 for load balancers'.
	maxNodes = 180
)

// nodeAddress is 172.30.0.(10+n) for node-n, counted from 1.
func nodeAddress(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{172, 30, 0, byte(10 + n)})
}

// podCIDR is 10.244.n.0/24 for node-n.
func podCIDR(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(n), 0}), 24)
}

func nodeName(n int) string { return fmt.Sprintf("node-%d", n) }
