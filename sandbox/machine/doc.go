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
// # Left out
//
// A user namespace per node: all nodes share the lab's, because a mount made in one may be needed in another (the image
// store), and because joining a user namespace needs a process of one thread, which Go is not.
//
// # In Kubernetes
//
// Nothing; kind's node containers come nearest.
package machine
