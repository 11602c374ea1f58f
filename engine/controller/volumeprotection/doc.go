// Package volumeprotection keeps claims and volumes that are in use from disappearing.
//
// # Part played
//
// The PVC, PV and VAC protection controllers of kube-controller-manager.
//
// # How it works
//
// Every claim and every volume is born with a finalizer (the admission plugin StorageObjectInUseProtection). Who deletes a claim while a
// pod that has a node uses it only gets a deletion timestamp into it: the claim is Terminating, and the pod goes on. When the last
// such pod is gone, this controller takes the finalizer away, and the claim goes. A volume is in use as long as its phase is Bound,
// a VolumeAttributesClass as long as a claim or volume names it.
//
// That a pod is gone is what data depends on, so before the finalizer goes the API server itself is asked for pods.
//
// # Left out
//
// Nothing that a lab would miss.
//
// # In Kubernetes
//
// pkg/controller/volume/pvcprotection, pvprotection and vacprotection.
package volumeprotection
