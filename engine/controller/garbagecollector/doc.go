// Package garbagecollector deletes objects whose owners are gone.
//
// # Part played
//
// The garbage collector of kube-controller-manager.
//
// # How it works
//
// The pod web-5d4f-abc names the ReplicaSet web-5d4f as its owner, which names the Deployment web. The collector follows
// every kind that the API server serves and keeps a graph: who exists, and who names whom. `kubectl delete deployment web`
// removes the Deployment. Its ReplicaSet comes into the queue; none of its owners is in the graph any more, the API server
// confirms that they are gone (the graph may lag, and to delete by mistake is the worst a collector can do), so the
// ReplicaSet is deleted, and next, for the same reason, its pods. That is background deletion.
//
// Foreground: the API server keeps the Deployment, with the finalizer foregroundDeletion, until the collector has deleted
// the dependents that block it, from the leaves up. Orphan: with the finalizer orphan the collector takes the owner's name
// out of its dependents, which stay.
//
// # Left out
//
// Kinds that the API server begins to serve later; owners of kinds that it does not serve count as existing.
//
// # In Kubernetes
//
// pkg/controller/garbagecollector: graph_builder.go and garbagecollector.go (attemptToDeleteItem).
package garbagecollector
