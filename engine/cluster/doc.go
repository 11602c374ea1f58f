// Package cluster starts the parts of a cluster in order, keeps them, and stops them in reverse.
//
// # Part played
//
// kubeadm and systemd: the one who lays the network, signs the certificates, writes the kubeconfigs, starts the
// control plane, boots the nodes, and is asked when a part is to be stopped, cut off or started again.
//
// # How it works
//
// Run is a list of named steps (steps.go), each of which may leave something to undo. `drydock up` in a fresh directory:
//
//	images         docknode unpacks the bundled images, unless another lab has done so before
//	certificates   one authority for the cluster (pki.go), kept, so that a kubeconfig outlives a restart
//	store          the journal is replayed
//	api server     on the fabric, on the machine's 127.0.0.1 and on a unix socket
//	fabric         the bridge between machines
//	nodes          each a machine (sandbox/machine): runtime as pid 1, kubelet and proxy beside it
//	controllers    each a goroutine with a name
//	scheduler
//	ready          a watch on Nodes, until all of them are Ready
//
// The steps that do not need each other run side by side. When the context ends, or a step fails, what was done is
// undone in reverse order.
//
// A lab can be kept as it is and taken back there while it runs (snapshot.go, restore.go, docs/snapshots.md).
//
// # Left out
//
// A control plane on several machines; upgrades; certificates that rotate.
//
// # In Kubernetes
//
// cmd/kubeadm/app/phases, cmd/kube-controller-manager/app/controllermanager.go (how controllers are started by name).
package cluster
