// Package endpointslice keeps the list of pods behind every Service.
//
// # Part played
//
// The EndpointSlice controller of kube-controller-manager.
//
// # How it works
//
// The Service web selects app=web and forwards port 80 to port 8080 of the pods. The pod web-abc becomes ready: its change
// wakes every Service whose selector matches it. Reconcile computes what there should be: one endpoint for each matching
// pod that has an address and has not ended, with the port numbers that the Service's ports mean in that pod (a port may
// be named, and the name mean another number in each pod; pods are grouped by what it means). Then it looks at the slices
// that are there and changes as few as possible: what is right stays where it is, what is not wanted goes, what is new
// fills free places, at most 100 to a slice. kube-proxy and DNS follow the slices.
//
// A pod that is being deleted stays in its slice until it has ended, as terminating and no longer ready; serving still says
// whether it answers, so that connections can be drained.
//
// # Left out
//
// Topology hints; spreading of changes over time; merging of slices that
// have become sparse.
//
// # In Kubernetes
//
// pkg/controller/endpointslice and k8s.io/endpointslice (reconciler.go).
package endpointslice
