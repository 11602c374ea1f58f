// Package machine boots one node of the cluster: a process tree with a root, a host name and a network of its own.
//
// # Part played
//
// The virtual machine under a node. There is no second kernel: a machine is seven namespaces and a small root file system.
//
// # How it works
//
//	cluster (pid 1 of the lab)              node
//	Start: clone ─────────────────────────▶ Boot, waiting at its gate
//	network.AttachNode(pid)
//	Machine.PowerOn: one byte ────────────▶ mounts its root, pivot_root, execs the container runtime as pid 1
//
// The root is a tmpfs. The programs of the real machine are bound into it read-only, so that tools linked against its
// libraries work; what a node writes goes to directories bound from the lab's state; all else is private and small.
// Killing pid 1 of the pid namespace is the power cut: the kernel kills every process of the node.
//
// A machine has a user namespace of its own, with the lab's ids, so that the mounts it got from the lab are locked. What
// Spawn starts stays in the lab's user namespace, because joining one needs a process of one thread, which Go is not;
// the locks hold for it as well.
//
// # Left out
//
// Ids of each node's own: the nodes share the lab's ids, because they share the image store.
//
// # In Kubernetes
//
// Nothing; kind's node containers come nearest.
package machine
