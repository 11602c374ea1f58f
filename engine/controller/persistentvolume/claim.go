package persistentvolume

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	volumehelpers "k8s.io/component-helpers/storage/volume"

	"drydock/engine/controller"
)

// syncUnbound looks for a volume for a claim that has none.
func (c *Controller) syncUnbound(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != "" {
		return c.syncRequested(ctx, claim)
	}
	waits, err := volumehelpers.IsDelayBindingMode(claim, c.classes)
	if err != nil {
		return err
	}
	volume, err := c.bestVolume(claim, waits)
	if err != nil {
		return fmt.Errorf("find a volume for claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	if volume != nil {
		return c.bind(ctx, volume, claim)
	}
	if assigned, err := c.assignDefaultClass(ctx, claim); assigned || err != nil {
		return err // its own event brings the claim back, with the class
	}
	switch {
	case waits && !volumehelpers.IsDelayBindingProvisioning(claim):
		if err := c.sayWaiting(claim); err != nil {
			return err
		}
	case volumehelpers.GetPersistentVolumeClaimClass(claim) != "":
		if claim, err = c.askProvisioner(ctx, claim); err != nil {
			return err
		}
	default:
		c.say(claim, corev1.EventTypeNormal, "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
	}
	return c.setClaimStatus(ctx, claim, corev1.ClaimPending, nil)
}

// syncRequested binds a claim that names its volume.
func (c *Controller) syncRequested(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	volume, err := c.volume(claim.Spec.VolumeName)
	if err != nil {
		return err
	}
	switch {
	case volume == nil: // it may come
	case volume.Spec.ClaimRef == nil:
		if err := satisfies(volume, claim); err != nil {
			c.say(claim, corev1.EventTypeWarning, "VolumeMismatch", fmt.Sprintf("Cannot bind to requested volume %q: %s", volume.Name, err))
			break
		}
		return c.bind(ctx, volume, claim)
	case volumehelpers.IsVolumeBoundToClaim(volume, claim):
		return c.bind(ctx, volume, claim)
	default:
		c.say(claim, corev1.EventTypeWarning, "FailedBinding", fmt.Sprintf("volume %q already bound to a different claim.", volume.Name))
	}
	return c.setClaimStatus(ctx, claim, corev1.ClaimPending, nil)
}

// satisfies says what a volume that was asked for by name lacks.
func satisfies(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) error {
	wanted, size := claim.Spec.Resources.Requests[corev1.ResourceStorage], volume.Spec.Capacity[corev1.ResourceStorage]
	switch {
	case volume.DeletionTimestamp != nil:
		return fmt.Errorf("the volume is marked for deletion %q", volume.Name)
	case size.Value() < wanted.Value():
		return errors.New("requested PV is too small")
	case volumehelpers.GetPersistentVolumeClass(volume) != volumehelpers.GetPersistentVolumeClaimClass(claim):
		return errors.New("storageClassName does not match")
	case ptr.Deref(volume.Spec.VolumeAttributesClassName, "") != ptr.Deref(claim.Spec.VolumeAttributesClassName, ""):
		return errors.New("volumeAttributesClassName does not match")
	case volumehelpers.CheckVolumeModeMismatches(&claim.Spec, &volume.Spec):
		return errors.New("incompatible volumeMode")
	case !volumehelpers.CheckAccessModes(claim, volume):
		return errors.New("incompatible accessMode")
	}
	return nil
}

// syncBound checks the bond of a claim that was bound once. What it has lost it does not get back: another volume would have other
// content.
func (c *Controller) syncBound(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName == "" {
		return c.lose(ctx, claim, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
	}
	volume, err := c.volume(claim.Spec.VolumeName)
	switch {
	case err != nil:
		return err
	case volume == nil:
		return c.lose(ctx, claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
	case volume.Spec.ClaimRef == nil || volume.Spec.ClaimRef.UID == claim.UID:
		return c.bind(ctx, volume, claim)
	}
	return c.lose(ctx, claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
}

func (c *Controller) lose(ctx context.Context, claim *corev1.PersistentVolumeClaim, reason, message string) error {
	if claim.Status.Phase == corev1.ClaimLost {
		return nil
	}
	if err := c.setClaimStatus(ctx, claim, corev1.ClaimLost, nil); err != nil {
		return err
	}
	c.Warning(claim, reason, "%s", message)
	return nil
}

// sayWaiting tells what a claim waits for that is bound with its first pod.
func (c *Controller) sayWaiting(claim *corev1.PersistentVolumeClaim) error {
	pods, err := c.pods.Pods(claim.Namespace).List(labels.Everything())
	if err != nil {
		return err
	}
	var waiting []string
	for _, pod := range pods {
		if pod.Spec.NodeName == "" && !controller.TerminalPod(pod) && uses(pod, claim.Name) {
			waiting = append(waiting, pod.Name)
		}
	}
	switch len(waiting) {
	case 0:
		c.say(claim, corev1.EventTypeNormal, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
	case 1:
		c.say(claim, corev1.EventTypeNormal, "WaitForPodScheduled", fmt.Sprintf("waiting for pod %s to be scheduled", waiting[0]))
	default:
		c.say(claim, corev1.EventTypeNormal, "WaitForPodScheduled", fmt.Sprintf("waiting for pods %s to be scheduled", strings.Join(waiting, ",")))
	}
	return nil
}

func uses(pod *corev1.Pod, claim string) bool {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim || v.Ephemeral != nil && pod.Name+"-"+v.Name == claim {
			return true
		}
	}
	return false
}

// say writes an Event about a pending claim when it is not what was said last.
func (c *Controller) say(claim *corev1.PersistentVolumeClaim, kind, reason, message string) {
	text := string(claim.UID) + " " + message
	if c.said[keyOf(claim)] == text {
		return
	}
	c.said[keyOf(claim)] = text
	if kind == corev1.EventTypeWarning {
		c.Warning(claim, reason, "%s", message)
		return
	}
	c.Normal(claim, reason, "%s", message)
}
