// Package kubelet makes the pods that were bound to one node real.
//
// # Part played
//
// The kubelet: it registers its node, watches the pods bound to it, asks the container runtime over CRI for sandboxes and
// containers, probes them, writes what it sees into pod status, and serves logs, exec, attach and port-forward.
//
// # How it works
//
// The scheduler binds default/web to node-1. The pod arrives on the kubelet's watch and gets a worker, a goroutine that
// owns everything about this one pod. The worker admits the pod (does it fit?), then repeats: read the runtime's view of
// the pod, decide (actions.go, a pure function of pod and view), do (sandbox, image, container), write status. It sleeps
// until something concerning its pod happens: the API object changed, the runtime reported a container event, a probe
// changed its mind, or a back-off ran out. There is no clock that lists all containers every second.
//
// The node itself may end a pod that the API wants to live (ending.go): when it is shut down, critical pods last, or when it runs
// out of memory, disk or process numbers, the greediest pod first (pressure.go). Such a pod is Failed, and stays for people to read.
//
// Images that nobody uses are deleted when the disk fills up (imagegc.go).
//
// Deleting web sets its deletion timestamp; the worker stops the containers with the grace period, removes volumes and
// sandbox, writes the final status and deletes the object with grace 0. A kubelet that is killed and started again finds
// its pods by the io.kubernetes.* labels on sandboxes and containers and carries on; what belongs to no pod is removed.
//
// A pod may also come from a file in /etc/kubernetes/manifests (static.go): it needs no API server, which is shown a mirror of it.
//
// # Left out
//
// Devices, dynamic resource allocation, block volumes and every volume that neither is a directory of the node nor an image nor comes from a CSI
// driver, image pull secrets, pod certificates, user namespaces per pod, checkpointing. Each place where behaviour is
// simplified says "Kubernetes:".
//
// # In Kubernetes
//
// pkg/kubelet: kubelet.go (syncLoop), pod_workers.go, kuberuntime (computePodActions, SyncPod), status, prober, images,
// kubelet_pods.go, volumemanager, server.
package kubelet
