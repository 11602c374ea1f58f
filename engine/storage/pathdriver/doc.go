// Package pathdriver is a CSI driver whose volumes are directories.
//
// # Part played
//
// What hostPath, local-path or an NFS driver is in other clusters: the driver behind the bundled storage classes.
//
// # How it works
//
// The provisioner asks for a volume pvc-123 of 1 GiB. CreateVolume makes the directory local/pvc-123 with two entries: volume.json, which
// says how large the volume shall be, and data, which is the volume. A kubelet asks for it twice: NodeStageVolume binds data to a
// place of the node, once for all pods, and NodePublishVolume binds that place into the directory of one pod. The container runtime
// does the rest. Everything is a bind mount of a directory on the machine's disk, so what a pod has written, and fsync(2) has
// promised, is there after the death of the pod, the node, the lab and this driver, none of which lies in the way of the data.
//
// Volumes of a class with the parameter shared lie in a directory that is bound into every node: then a claim can be mounted on
// several nodes at a time (ReadWriteMany), and a pod that moves finds its data there.
//
// Every call may be repeated, as the interface demands: a volume that is there is made, a mount that is gone is unmounted.
//
// The size is a promise and not a wall: see stats.go for what is counted.
//
// # Left out
//
// Block volumes, snapshots, and a size that the kernel enforces: in a user namespace there are neither loop devices nor project quotas
// (quotactl(2) asks for CAP_SYS_ADMIN of the machine).
//
// # In Kubernetes
//
// github.com/kubernetes-csi/csi-driver-host-path, github.com/rancher/local-path-provisioner.
package pathdriver
