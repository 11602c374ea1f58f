// Package volumeprotection keeps claims and volumes that are in use from disappearing.
//
// # Part played
//
// The PVC protection and PV protection controllers of kube-controller-manager.
//
// # How it works
//
// Every claim and every volume is born with a finalizer (the admission plugin StorageObjectInUseProtection). Who deletes a claim while a
// pod that has a node uses it only gets a deletion timestamp into it: the claim is Terminating, and the pod goes on. When the last
// such pod is gone, this controller takes the finalizer away, and the claim goes. A volume is in use as long as its phase is Bound.
//
// That a pod is gone is what data depends on, so before the finalizer goes the API server itself is asked for pods.
//
// # Left out
//
// The finalizer of VolumeAttributesClasses.
//
// # In Kubernetes
//
// pkg/controller/volume/pvcprotection and pkg/controller/volume/pvprotection.
package volumeprotection
