// Package servicecidr keeps the objects that say which addresses Services may have, and which they have.
//
// # Part played
//
// The ServiceCIDR controller of kube-controller-manager, and the repair loop of kube-apiserver's address allocator.
//
// # How it works
//
// The ServiceCIDR "kubernetes" appears. Reconcile puts a finalizer on it and says that it is Ready. The API server gives the Service
// default/web the address 10.96.0.99; the change of the Service wakes Reconcile, which creates the IPAddress 10.96.0.99 with
// web as its parent. web is deleted: the IPAddress goes. Somebody deletes an IPAddress that a Service has: it comes back.
// A ServiceCIDR that is being deleted stays, not Ready, as long as an address is left that lies in no other.
//
// # Left out
//
// In Kubernetes the API server writes the IPAddress before the Service, and the IPAddress is the reservation. Here the API server keeps
// reservations itself, and the objects follow a moment later; it does refuse an address that somebody else's IPAddress holds.
//
// # In Kubernetes
//
// pkg/controller/servicecidrs, pkg/registry/core/service/ipallocator (KEP-1880).
package servicecidr
