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
// # Left out
//
// Session affinity, load balancers and external addresses, traffic policies (all endpoints are used from everywhere), SCTP,
// IPv6, topology hints, draining of terminating endpoints, flushing of stale UDP connection entries.
//
// # In Kubernetes
//
// pkg/proxy/nftables (KEP-3866), pkg/proxy/endpointslicecache.go, pkg/proxy/servicechangetracker.go.
package proxy
