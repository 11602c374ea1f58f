// Package endpoints keeps Endpoints, the older form of EndpointSlices, and EndpointSlices in agreement.
//
// # Part played
//
// Two controllers of kube-controller-manager: the Endpoints controller, and the EndpointSlice mirroring controller.
//
// # How it works
//
// The Service web selects pods. The endpointslice controller has written them into slices; a slice's change wakes Reconcile, which
// writes the same addresses into the Endpoints web: those that are ready, those that are not, together for each set of ports.
// Who reads the old kind finds what is true.
//
// The Service db selects none. Somebody writes the Endpoints db by hand, as one did for years. Its change wakes Reconcile, which
// writes its addresses into a slice that belongs to it, because kube-proxy and DNS read slices alone. The label
// endpointslice.kubernetes.io/skip-mirror keeps it from that.
//
// # Left out
//
// The time of the change that a write answers (endpoints.kubernetes.io/last-change-trigger-time). The Endpoints controller of
// Kubernetes looks at pods itself, because it is older than slices; the result is the same, and here it is computed once.
//
// # In Kubernetes
//
// pkg/controller/endpoint, pkg/controller/endpointslicemirroring.
package endpoints
