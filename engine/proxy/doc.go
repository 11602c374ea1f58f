// Package proxy turns Services into rules of one node's kernel.
//
// # Part played
//
// kube-proxy in nftables mode.
//
// # How it works
//
// Service default/web gets the cluster address 10.96.7.7, port 80, and an EndpointSlice names 10.244.1.2:8080 and
// 10.244.2.3:8080. The proxy gives web's port a chain that picks one of the two at random and rewrites the destination
// to it (dnat), and puts "10.96.7.7 . tcp . 80 : goto that chain" into the map every packet is looked up in. One lookup, however
// many services there are. When the second pod dies, one transaction replaces the rule of that one chain.
//
// Besides its cluster address a port may have others: a node port, external addresses, a load balancer's. They lead to a chain
// that first makes the node the sender, and then to the same choice; or, with the policy Local, only to endpoints of this node,
// with the sender kept. Session affinity is one more map, client to endpoint, that the kernel fills and forgets by itself.
//
// The kernel tells of every change to its rules and by whom. A change to this table by anybody else is answered by writing it
// anew, at once.
//
// # Left out
//
// IPv6, topology hints, node ports on loopback, and the removal of rules when the proxy ends.
//
// # In Kubernetes
//
// pkg/proxy/nftables (KEP-3866), pkg/proxy/endpointslicecache.go, pkg/proxy/servicechangetracker.go.
package proxy
