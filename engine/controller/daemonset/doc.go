// Package daemonset keeps one pod on every node that a DaemonSet wants.
//
// # Part played
//
// The DaemonSet controller of kube-controller-manager.
//
// # How it works
//
// logs wants a pod on every node with the label disk=ssd. Reconcile goes through the nodes: node-1 has the label and no pod
// of logs, so one is created for it, with a node affinity that names node-1, and the scheduler binds it there. node-2 lost
// the label, so its pod is deleted. node-3 got a taint NoSchedule that logs does not tolerate: a pod that runs there already
// stays, a new one would not be made (places.go). A pod that has failed is deleted, with growing pauses, and made again.
//
// When the template changes, old pods are replaced a few at a time (rollout.go): either the old one is deleted first, as long
// as no more than maxUnavailable nodes are without an available pod; or, with maxSurge, the new one is made beside the old one,
// which goes when the new one is available. Which template a pod was made of is in its label controller-revision-hash.
//
// # Left out
//
// Joining equal revisions (see package revision).
//
// # In Kubernetes
//
// pkg/controller/daemon: daemon_controller.go, update.go.
package daemonset
