package persistentvolume

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// bind writes the bond into both objects, as far as it is not there yet. The order matters: a volume that names a claim is nobody
// else's, so a claim never counts on one that somebody else could still take.
func (c *Controller) bind(ctx context.Context, volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) error {
	fresh := claim.Spec.VolumeName == ""
	volume, err := c.bindVolume(ctx, volume, claim)
	if err != nil {
		return fmt.Errorf("give volume %s to claim %s/%s: %w", volume.Name, claim.Namespace, claim.Name, err)
	}
	if err := c.setPhase(ctx, volume, corev1.VolumeBound); err != nil {
		return err
	}
	if claim, err = c.bindClaim(ctx, claim, volume); err != nil {
		return err
	}
	if fresh {
		c.Decide(decision.Record{
			Object: controller.Refer("persistentvolumeclaims", claim), Action: "Bind", After: volume.Name, Reason: "Bound",
		})
	}
	delete(c.said, keyOf(claim))
	return c.setClaimStatus(ctx, claim, corev1.ClaimBound, volume)
}

// bindVolume puts the claim's name into the volume. With an error it returns the volume as it was.
func (c *Controller) bindVolume(ctx context.Context, volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) (*corev1.PersistentVolume, error) {
	bound, changed, err := volumehelpers.GetBindVolumeToClaim(volume, claim)
	if err != nil || !changed {
		return volume, err
	}
	written, err := c.client.CoreV1().PersistentVolumes().Update(ctx, bound, metav1.UpdateOptions{})
	if err != nil {
		return volume, err
	}
	return c.wroteVolumes.wrote(written), nil
}

// bindClaim puts the volume's name into the claim.
func (c *Controller) bindClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim, volume *corev1.PersistentVolume) (*corev1.PersistentVolumeClaim, error) {
	bound := claim.DeepCopy()
	if claim.Spec.VolumeName != volume.Name {
		bound.Spec.VolumeName = volume.Name
		metav1.SetMetaDataAnnotation(&bound.ObjectMeta, volumehelpers.AnnBoundByController, "yes")
	}
	metav1.SetMetaDataAnnotation(&bound.ObjectMeta, volumehelpers.AnnBindCompleted, "yes")
	if equality.Semantic.DeepEqual(claim, bound) {
		return claim, nil
	}
	written, err := c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, bound, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("bind claim %s/%s to volume %s: %w", claim.Namespace, claim.Name, volume.Name, err)
	}
	return c.wroteClaims.wrote(written), nil
}

// setClaimStatus writes a claim's phase and what its volume offers; nil is no volume.
func (c *Controller) setClaimStatus(ctx context.Context, claim *corev1.PersistentVolumeClaim, phase corev1.PersistentVolumeClaimPhase, volume *corev1.PersistentVolume) error {
	changed := claim.DeepCopy()
	changed.Status.Phase = phase
	if volume == nil {
		changed.Status.AccessModes, changed.Status.Capacity, changed.Status.CurrentVolumeAttributesClassName = nil, nil, nil
	} else {
		changed.Status.AccessModes = slices.Clone(volume.Spec.AccessModes)
		if claim.Status.Phase != phase { // later the size is the business of those who resize
			changed.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: volume.Spec.Capacity[corev1.ResourceStorage]}
			changed.Status.CurrentVolumeAttributesClassName = volume.Spec.VolumeAttributesClassName
		}
	}
	if equality.Semantic.DeepEqual(claim.Status, changed.Status) {
		return nil
	}
	written, err := c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("write status of claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	c.wroteClaims.wrote(written)
	return nil
}

// setPhase writes a volume's phase, and an Event with it when there is a message.
func (c *Controller) setPhase(ctx context.Context, volume *corev1.PersistentVolume, phase corev1.PersistentVolumePhase) error {
	return c.setPhaseBecause(ctx, volume, phase, "")
}

func (c *Controller) setPhaseBecause(ctx context.Context, volume *corev1.PersistentVolume, phase corev1.PersistentVolumePhase, message string) error {
	if volume.Status.Phase == phase {
		return nil
	}
	changed := volume.DeepCopy()
	changed.Status.Phase, changed.Status.Message = phase, message
	written, err := c.client.CoreV1().PersistentVolumes().UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("write status of volume %s: %w", volume.Name, err)
	}
	c.wroteVolumes.wrote(written)
	return nil
}

// unbind takes a volume back from a claim that got another one. What a person has written into it stays, but for the claim's uid.
func (c *Controller) unbind(ctx context.Context, volume *corev1.PersistentVolume) error {
	changed := volume.DeepCopy()
	if _, ours := volume.Annotations[volumehelpers.AnnBoundByController]; ours {
		changed.Spec.ClaimRef = nil
		delete(changed.Annotations, volumehelpers.AnnBoundByController)
	} else {
		changed.Spec.ClaimRef.UID = ""
	}
	written, err := c.client.CoreV1().PersistentVolumes().Update(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("take back volume %s: %w", volume.Name, err)
	}
	return c.setPhase(ctx, c.wroteVolumes.wrote(written), corev1.VolumeAvailable)
}
