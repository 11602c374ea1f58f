package persistentvolume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"

	"drydock/engine/controller"
)

// syncVolume keeps a volume's phase true to its claim.
func (c *Controller) syncVolume(ctx context.Context, volume *corev1.PersistentVolume) error {
	ref := volume.Spec.ClaimRef
	if ref == nil || ref.UID == "" { // free, or kept for a claim that may come
		return c.setPhase(ctx, volume, corev1.VolumeAvailable)
	}
	claim, err := c.claimOf(ctx, volume)
	switch {
	case err != nil:
		return err
	case claim == nil:
		return c.release(ctx, volume)
	case claim.Spec.VolumeName == volume.Name:
		return c.setPhase(ctx, volume, corev1.VolumeBound)
	case claim.Spec.VolumeName != "":
		return c.takeBack(ctx, volume)
	case volumehelpers.CheckVolumeModeMismatches(&claim.Spec, &volume.Spec):
		c.Warning(volume, "VolumeMismatch", "Cannot bind PersistentVolume to requested PersistentVolumeClaim %q due to incompatible volumeMode.", claim.Name)
		c.say(claim, corev1.EventTypeWarning, "VolumeMismatch",
			fmt.Sprintf("Cannot bind PersistentVolume %q to requested PersistentVolumeClaim due to incompatible volumeMode.", volume.Name))
		return nil
	}
	c.Add(claimKey(claim.Namespace, claim.Name)) // which binds itself
	return nil
}

// claimOf is the claim that a volume belongs to; nil when it is gone. To take a volume for released is to give up its data, so the API
// server itself is asked before.
func (c *Controller) claimOf(ctx context.Context, volume *corev1.PersistentVolume) (*corev1.PersistentVolumeClaim, error) {
	ref := volume.Spec.ClaimRef
	claim, err := c.claim(controller.Key{Namespace: ref.Namespace, Name: ref.Name})
	if err != nil || claim != nil && claim.UID == ref.UID {
		return claim, err
	}
	claim, err = c.client.CoreV1().PersistentVolumeClaims(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look for claim %s/%s of volume %s: %w", ref.Namespace, ref.Name, volume.Name, err)
	case claim.UID != ref.UID: // a later one of the same name
		return nil, nil
	}
	return claim, nil
}

// release lets go of a volume whose claim is gone.
func (c *Controller) release(ctx context.Context, volume *corev1.PersistentVolume) error {
	if volume.Status.Phase != corev1.VolumeReleased && volume.Status.Phase != corev1.VolumeFailed {
		if err := c.setPhase(ctx, volume, corev1.VolumeReleased); err != nil {
			return err
		}
		volume = c.wroteVolumes.of(volume)
	}
	return c.reclaim(ctx, volume)
}

// takeBack deals with a volume whose claim got another one.
func (c *Controller) takeBack(ctx context.Context, volume *corev1.PersistentVolume) error {
	_, made := volume.Annotations[volumehelpers.AnnDynamicallyProvisioned]
	if made && volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete {
		return c.release(ctx, volume)
	}
	return c.unbind(ctx, volume)
}

// reclaim does what the policy says with a released volume. One that a provisioner has made is deleted by that provisioner.
//
// Kubernetes: the controller deletes volumes of a few built-in kinds itself, and empties those with the policy Recycle.
func (c *Controller) reclaim(ctx context.Context, volume *corev1.PersistentVolume) error {
	_, made := volume.Annotations[volumehelpers.AnnDynamicallyProvisioned]
	policy := volume.Spec.PersistentVolumeReclaimPolicy
	var reason, message string
	switch {
	case policy == corev1.PersistentVolumeReclaimRecycle:
		reason, message = "VolumeFailedRecycle", "No recycler plugin found for the volume!"
	case policy == corev1.PersistentVolumeReclaimDelete && !made:
		reason = "VolumeFailedDelete"
		message = fmt.Sprintf("error getting deleter volume plugin for volume %q: no deletable volume plugin matched", volume.Name)
	default:
		return nil
	}
	if volume.Status.Phase == corev1.VolumeFailed {
		return nil
	}
	if err := c.setPhaseBecause(ctx, volume, corev1.VolumeFailed, message); err != nil {
		return err
	}
	c.Warning(volume, reason, "%s", message)
	return nil
}
