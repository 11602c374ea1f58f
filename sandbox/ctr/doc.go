// Package ctr runs containers on a node without Kubernetes, through the node's container runtime.
//
// # Part played
//
// ctr and nerdctl, the command lines that talk to containerd directly.
//
// # How it works
//
// `ctr run -d --name web drydock/web:1` asks the runtime over its socket for what the kubelet asks for, too: a sandbox with
// a network of its own, a container in it, and its start. Both carry a label that says that no kubelet stands behind them;
// the runtime leaves them out of every list that does not ask for that label, as containerd keeps the kubelet's containers
// in the namespace k8s.io and everybody else's elsewhere. `ctr ps` asks for the label. `ctr diff` finds the container's
// overlay in the node's mounts and reads its upper folder: what the container has written, and whiteouts for what it has
// deleted.
//
// # Left out
//
// Terminals and standard input, volumes, published ports, restart policies, building and pushing. A container without
// -d says what it said when it has ended. On a machine where containers are whole copies (sandbox/layer), there is no
// upper folder and no diff.
//
// # In Kubernetes
//
// Nothing: that is the point. containerd's cmd/ctr and nerdctl are the models; crictl shows what the kubelet runs.
package ctr
