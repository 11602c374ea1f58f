// Package statefulset keeps pods that have names of their own.
//
// # Part played
//
// The StatefulSet controller of kube-controller-manager.
//
// # How it works
//
// db wants three pods: db-0, db-1 and db-2. Reconcile sorts what exists by the number in the name and goes through it from the
// lowest. db-0 is missing: it is created, and that is all for now. When db-0 has become available, the next round gets past it
// to db-1. Nobody remembers how far it had come; the first pod that is not as it should be is where the work is. With
// podManagementPolicy Parallel no pod waits for another. Pods beyond the wanted number are deleted from the highest down.
//
// db-1 is killed: there is no db-1, so db-1 is created again, with the same name, host name and claims. That is what makes it
// the same to its peers. It is also why a pod on a node that does not answer is not replaced: two pods named db-1 could both
// write to the same data, so the old one must be known to be gone.
//
// When the template changes, pods are deleted from the highest down, each after the one before is available again
// (update.go), and made anew from the new template; those below spec.updateStrategy.rollingUpdate.partition keep the old one.
//
// # Left out
//
// The alpha strategy Recreate. Claims are read from the API server as they are needed, not watched.
//
// # In Kubernetes
//
// pkg/controller/statefulset: stateful_set_control.go is what step.go and update.go do; KEP-961 (maxUnavailable), KEP-1847
// (retention of claims), KEP-3335 (start ordinal).
package statefulset
