// Package persistentvolume brings claims and volumes together.
//
// # Part played
//
// The PersistentVolume controller of kube-controller-manager.
//
// # How it works
//
// A claim asks for room: 1Gi, ReadWriteOnce, of the class "standard". A volume is room that exists. The controller looks for the
// smallest volume that is at least what the claim asks for, and writes the bond in four steps, so that one that is broken off in
// between can be carried on by whoever comes next: the claim's name into the volume (spec.claimRef), the volume's phase, the volume's
// name into the claim (spec.volumeName), the claim's phase. From then on they belong to each other, one to one, for good.
//
// If nothing fits, the claim's class says who makes a volume: its provisioner's name goes into an annotation of the claim, and
// the provisioner, another program, makes a volume that names the claim already. The bond is then as above. A class with
// WaitForFirstConsumer keeps all this back until the scheduler has chosen a node for a pod that wants the claim: only then
// it is known where the room must be.
//
// When the claim is deleted its volume becomes Released and stays that: what is written on it belongs to nobody else. With the policy
// Delete its provisioner removes it, with Retain a person decides.
//
// # Left out
//
// The policy Recycle, which is deprecated, provisioners and deleters inside the controller, and the periodic resync: an Event is written
// when its text is news, not again every 15 seconds.
//
// # In Kubernetes
//
// pkg/controller/volume/persistentvolume; how a volume is chosen is shared with the scheduler:
// k8s.io/component-helpers/storage/volume.
package persistentvolume
