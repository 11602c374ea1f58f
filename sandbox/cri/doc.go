// Package cri is a node's container runtime, as the kubelet sees it: a gRPC server of the Container Runtime Interface.
//
// # Part played
//
// containerd with its CRI plugin.
//
// # How it works
//
// The kubelet asks three things for a pod, one after the other. RunPodSandbox makes what the pod's containers will share:
// a net, an ipc and a uts namespace, each kept alive by a bind mount under /run/drydock/sandboxes/ID, an address, a
// /dev/shm. CreateContainer takes an image, prepares a writable snapshot on its layers, mounts it under
// /run/drydock/containers/ID/rootfs and writes down what is to run as an OCI specification. StartContainer makes the pipes,
// hands the specification to package container and returns when the program runs. From then on three goroutines serve the
// container: two copy its output to the log file, one waits for its end. When it ends, its record says so and an event goes
// to everybody who listens with GetContainerEvents: nothing is polled.
//
// The runtime is pid 1 of its node: when it dies, all containers die with it. Only what is known of them outlives it, in
// /var/lib/drydock (remember.go): the next runtime shows sandboxes that are not ready and containers that have exited, so
// that "kubectl logs --previous" and "Last State" still have something to say after a power cut.
//
// # Left out
//
// User namespaces per pod, AppArmor, SELinux, block I/O and RDT classes, CDI and NRI, checkpoints, runtime
// handlers other than the default, image volumes, and metrics descriptors.
//
// # In Kubernetes
//
// The interface is k8s.io/cri-api; containerd's server of it is internal/cri/server. The kubelet's client is
// pkg/kubelet/kuberuntime.
package cri
