// Package nodelifecycle notices nodes that have gone silent, taints nodes that are not well, and evicts pods from them.
//
// # Part played
//
// Two controllers of kube-controller-manager: node lifecycle and taint eviction.
//
// # How it works
//
// The kubelet of node-2 renews the Lease kube-node-lease/node-2 every 10 s. Then it is killed. Each renewal had set a
// clock in Reconcile to look again after the grace period; this time no renewal has come in between. The node's conditions
// become Unknown ("Kubelet stopped posting node status."), and from the condition Ready follow two taints
// node.kubernetes.io/unreachable: NoSchedule, which the scheduler obeys, and NoExecute. The node's pods are no longer
// Ready, so Services stop sending them anything.
//
// The second loop goes over the pods of a node with NoExecute taints. A pod stays as long as it tolerates all of them;
// admission has given each pod tolerations for unreachable and not-ready of 300 s, counted from the moment the taint came,
// or was first seen, if a person put it there and it does not say.
// Then it is deleted, and its ReplicaSet makes another one elsewhere. When the kubelet comes back, all of it is undone.
//
// # Left out
//
// Zones and the rules for when most of a zone is lost (all nodes silent at once looks like our own fault: Kubernetes then
// stops evicting); rate limits; mending node labels; the Event "Cancelling deletion of Pod".
//
// # In Kubernetes
//
// pkg/controller/nodelifecycle/node_lifecycle_controller.go, pkg/controller/tainteviction.
package nodelifecycle
