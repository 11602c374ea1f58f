// Package network gives pods and nodes their namespaces, links, addresses and routes.
//
// # Part played
//
// The CNI plugin of a node, and the cables and the switch between the machines of the cluster.
//
// # How it works
//
// The lab makes one bridge, the fabric, with NewFabric(172.30.0.1/24). For each node it calls AttachNode: a veth pair,
// one end plugged into the bridge and named after the node, the other inside the node's network namespace as eth0 with
// the node's address. Taking the bridge's end down (SetNodeLink) cuts the cable.
//
// A pod is routed, not bridged. AttachPod makes a veth pair between the node and the pod:
//
//	pod                                          node
//	eth0  10.244.1.7/32 ─────────────────────── veth…  172.30.0.11/32
//	route 169.254.1.1 dev eth0                   route 10.244.1.7/32 dev veth… src 172.30.0.11
//	route default via 169.254.1.1
//	neighbour 169.254.1.1 = MAC of veth…         neighbour 10.244.1.7 = MAC of eth0
//
// The gateway 169.254.1.1 exists on no interface: the pod only needs a next hop, and the fixed neighbour entry says
// which link address to write on the packet. Everything a pod sends is therefore routed by its node, also to the pod
// next door, which is what lets the service rules (nftables, in prerouting) see all of it; a bridge would carry such
// packets past them. Other nodes reach the pod by a route for the whole pod CIDR (AddRoute). Where the network between the
// nodes is not to know of pods, an overlay carries their packets inside UDP packets between nodes (AddOverlay, AddPeer):
//
//	10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink      the pods of node-2 are behind its address in the overlay,
//	neighbour 10.244.2.0 = 0a:f1:ac:1e:00:0c               which has this link address,
//	forwarding entry 0a:f1:ac:1e:00:0c = 172.30.0.12       which is at this address of the fabric
//
// A port of the node can lead to a pod (HostPorts): three chains and three sets of nftables, which rewrite the destination.
//
// Nothing is taken down piece by piece. When the last reference of a pod's netns goes, the kernel destroys its veth
// pair, both ends, and the node's routes over it. Deleting a veth ourselves would wait 30 ms for an RCU grace period.
//
// # Left out
//
// IPv6, overlays other than VXLAN, encryption between nodes, bandwidth limits, several networks per pod, and CNI's configuration
// files: there is one network, and it is this one.
//
// # In Kubernetes
//
// Routed pods are Calico's way of wiring (projectcalico/calico, cni-plugin); addresses are given out as by the host-local
// plugin (containernetworking/plugins, plugins/ipam/host-local). The routes between nodes are what a cloud's route
// controller or flannel's host-gw backend would add; the overlay is flannel's vxlan backend (flannel-io/flannel, pkg/backend/vxlan).
package network
