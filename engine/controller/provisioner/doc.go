// Package provisioner makes, deletes and grows the volumes of the bundled storage classes.
//
// # Part played
//
// The sidecars external-provisioner and external-resizer, which run beside a CSI driver and know Kubernetes, so that the driver need
// not.
//
// # How it works
//
// The claim data asks for 1Gi of the class standard. The persistentvolume controller finds no volume for it, and writes our name into
// an annotation of the claim. With WaitForFirstConsumer the scheduler has written another one before: the node of the pod that
// wants the claim. We ask the driver on that node for a volume (CreateVolume of the Container Storage Interface) and create a
// PersistentVolume that names the claim, the driver's id for the volume, and the nodes from which it can be reached. The
// persistentvolume controller does the rest.
//
// When the claim is gone its volume becomes Released. If its policy is Delete we ask the driver to delete it, and delete the object. A
// finalizer keeps a volume's object from going before its data: without the object nobody would know that there is something to delete.
//
// A claim that asks for more than its volume has, makes us ask the driver to grow it (resize.go).
//
// # Left out
//
// Snapshots, VolumeAttributesClasses, secrets in classes, and the capacity of nodes (CSIStorageCapacity): the nodes of a lab share one
// disk.
//
// # In Kubernetes
//
// github.com/kubernetes-csi/external-provisioner on sigs.k8s.io/sig-storage-lib-external-provisioner;
// github.com/kubernetes-csi/external-resizer.
package provisioner
