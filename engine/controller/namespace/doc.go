// Package namespace empties namespaces that are being deleted, and lets them go.
//
// # Part played
//
// The namespace controller of kube-controller-manager.
//
// # How it works
//
// `kubectl delete namespace team` gives the namespace a deletion timestamp and the phase Terminating; the finalizer
// "kubernetes" in its spec keeps it. Reconcile asks the API server for every kind that lives in namespaces, deletes all
// objects of each, pods last because other controllers might still create some, and counts what is left: pods that end
// gracefully, objects with finalizers. While something is left the conditions say what; each pod that goes wakes the
// controller, and so does a clock. Before each attempt it asks whether the namespace is still the one that is being
// deleted. When nothing is left it takes the finalizer out, and the API server removes the namespace.
//
// # Left out
//
// Kinds that the API server began to serve after Run; deleting objects one by one where deletecollection is not served.
//
// # In Kubernetes
//
// pkg/controller/namespace, most of all deletion/namespaced_resources_deleter.go.
package namespace
