// Package service gives Services of type LoadBalancer an address that is known outside the cluster.
//
// # Part played
//
// The service controller of a cloud's controller manager, and the cloud: a pool of addresses on the network between nodes.
//
// # How it works
//
// Service default/web becomes a LoadBalancer. Reconcile takes the lowest free address of the pool, 172.30.0.200, chooses a
// Ready node that answers for it, node-2, and writes both on the Service: the address into its status, the node into an
// annotation. The proxy of node-2 sees the annotation and takes the address on its network card; every proxy leads what
// comes to the address to web's endpoints. When node-2 is no longer Ready, the change of the Node wakes Reconcile, and the
// address moves to another node. With externalTrafficPolicy Local only a node with an endpoint of its own is chosen.
//
// # Left out
//
// Balancing over nodes (one node carries all of an address' traffic, as with ARP it must), health checks of nodes, finalizers:
// there is nothing outside the API that would have to be cleaned up.
//
// # In Kubernetes
//
// k8s.io/cloud-provider/controllers/service; the pool and the choice of a node are those of go.universe.tf/metallb in its layer 2 mode.
package service
