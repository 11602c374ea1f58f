package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// claimName is the claim behind a volume of a pod; "" when there is none. That of a generic ephemeral volume bears the pod's name.
func claimName(pod *corev1.Pod, v *corev1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return pod.Name + "-" + v.Name
	}
	return ""
}

// claimed is a claim of a pod with the volume it is bound to.
type claimed struct {
	pod      *corev1.Pod
	name     string // of the volume in the pod
	claim    *corev1.PersistentVolumeClaim
	volume   *corev1.PersistentVolume
	readOnly bool // the pod may only read
}

// mountError is a failure told in its own words, without "MountVolume.SetUp failed".
type mountError struct{ cause error }

func (e *mountError) Error() string { return e.cause.Error() }
func (e *mountError) Unwrap() error { return e.cause }

// setUpClaim makes the volume behind a claim appear on this node, and returns where.
func (m *podMounts) setUpClaim(ctx context.Context, pod *corev1.Pod, v *corev1.Volume) (string, error) {
	c, err := m.k.lookUpClaim(ctx, pod, v)
	if err != nil {
		return "", &mountError{fmt.Errorf("Unable to attach or mount volumes: unmounted volumes=[%s], unattached volumes=[], "+ //nolint:staticcheck // upstream's text
			"failed to process volumes=[%s]: error processing PVC %s/%s: %w", v.Name, v.Name, pod.Namespace, claimName(pod, v), err)}
	}
	path, err := m.mountClaim(ctx, c)
	if err != nil {
		return "", &mountError{fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", c.volume.Name, err)}
	}
	return path, nil
}

func (m *podMounts) mountClaim(ctx context.Context, c claimed) (string, error) {
	source := &c.volume.Spec.PersistentVolumeSource
	switch {
	case ptr.Deref(c.volume.Spec.VolumeMode, corev1.PersistentVolumeFilesystem) == corev1.PersistentVolumeBlock:
		return "", errors.New("the volume is a block device (volumeMode: Block), and drydock mounts file systems only")
	case source.CSI != nil:
		return m.mountCSI(ctx, c)
	case source.HostPath != nil:
		return source.HostPath.Path, checkHostPath(source.HostPath)
	case source.Local != nil:
		_, err := os.Stat(source.Local.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("path %q does not exist", source.Local.Path)
		}
		return source.Local.Path, err
	}
	return "", errors.New("no volume plugin matched: drydock has csi, hostPath and local volumes behind claims")
}

// lookUpClaim reads a claim and its volume, and checks that they belong to each other and to the pod.
func (k *Kubelet) lookUpClaim(ctx context.Context, pod *corev1.Pod, v *corev1.Volume) (claimed, error) {
	c := claimed{pod: pod, name: v.Name, readOnly: v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ReadOnly}
	var err error
	if c.claim, err = k.cfg.Client.PersistentVolumeClaim(ctx, pod.Namespace, claimName(pod, v)); err != nil {
		return c, fmt.Errorf("failed to fetch PVC from API server: %w", err)
	}
	// The phase is written a moment later than this; the scheduler does not wait for it either.
	_, bound := c.claim.Annotations["pv.kubernetes.io/bind-completed"]
	switch {
	case v.Ephemeral != nil && !metav1.IsControlledBy(c.claim, pod):
		return c, fmt.Errorf("PVC %s/%s was not created for pod %s/%s (pod is not owner)", c.claim.Namespace, c.claim.Name, pod.Namespace, pod.Name)
	case !bound || c.claim.Spec.VolumeName == "":
		return c, errors.New("PVC is not bound")
	}
	if c.volume, err = k.cfg.Client.PersistentVolume(ctx, c.claim.Spec.VolumeName); err != nil {
		return c, fmt.Errorf("failed to fetch PV %s from API server: %w", c.claim.Spec.VolumeName, err)
	}
	ref := c.volume.Spec.ClaimRef
	switch {
	case ref == nil:
		return c, fmt.Errorf("found PV object %s but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim", c.volume.Name)
	case ref.UID != c.claim.UID:
		return c, fmt.Errorf("found PV object %s but its pv.Spec.ClaimRef.UID %s does not point to claim.UID %s", c.volume.Name, ref.UID, c.claim.UID)
	case c.claim.DeletionTimestamp != nil && !k.volumes.published(k.publishPath(c)):
		return c, errors.New("PVC is being deleted") // a pod that has it already keeps it
	}
	return c, nil
}
