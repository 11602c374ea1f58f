package provisioner

import (
	"context"
	"fmt"
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"

	"drydock/engine/controller"
	"drydock/engine/decision"
	"drydock/engine/storage"
)

// reconcileVolume deletes a volume of ours whose claim is gone, and keeps our finalizer where the policy is Delete.
func (c *Controller) reconcileVolume(ctx context.Context, volume *corev1.PersistentVolume) error {
	if !ours(volume.Annotations[volumehelpers.AnnDynamicallyProvisioned]) || volume.Spec.CSI == nil || volume.Spec.CSI.Driver != storage.Driver {
		return nil
	}
	has := slices.Contains(volume.Finalizers, finalizer)
	deletes := volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete
	switch {
	case has != deletes && (has || volume.DeletionTimestamp == nil):
		return c.setFinalizer(ctx, volume, deletes)
	case !deletes || volume.Status.Phase != corev1.VolumeReleased:
		return nil
	}
	return c.delete(ctx, volume)
}

func (c *Controller) setFinalizer(ctx context.Context, volume *corev1.PersistentVolume, wanted bool) error {
	changed := volume.DeepCopy()
	changed.Finalizers = slices.DeleteFunc(changed.Finalizers, func(f string) bool { return f == finalizer })
	if wanted {
		changed.Finalizers = append(changed.Finalizers, finalizer)
	}
	_, err := c.client.CoreV1().PersistentVolumes().Update(ctx, changed, metav1.UpdateOptions{})
	return ignoreNotFound(err)
}

// delete has a volume deleted, then its object.
func (c *Controller) delete(ctx context.Context, volume *corev1.PersistentVolume) error {
	if err := c.deleteData(ctx, volume); err != nil {
		if k := (key{Key: controller.Key{Name: volume.Name}, volume: true}); ctx.Err() == nil && c.news(k, err.Error()) {
			c.Warning(volume, "VolumeFailedDelete", "%s", err)
		}
		return err
	}
	c.Decide(decision.Record{
		Object: controller.Refer("persistentvolumes", volume), Action: "Delete", Before: volume.Spec.CSI.VolumeHandle, Reason: "Released",
	})
	uid := metav1.NewPreconditionDeleteOptions(string(volume.UID))
	if err := c.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, *uid); err != nil {
		return ignoreNotFound(err)
	}
	now, err := c.client.CoreV1().PersistentVolumes().Get(ctx, volume.Name, metav1.GetOptions{})
	if err != nil {
		return ignoreNotFound(err)
	}
	return c.setFinalizer(ctx, now, false)
}

// deleteData asks the driver on the volume's node. With a node that was removed from the cluster its volumes went too.
func (c *Controller) deleteData(ctx context.Context, volume *corev1.PersistentVolume) error {
	node := homeOf(volume)
	if node == "" {
		var err error
		if node, err = c.anyNode(); err != nil {
			return err
		}
	}
	if _, err := c.client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		return nil
	}
	conn, err := c.drivers.on(node)
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	patient, cancel := storage.WithPatience(ctx)
	defer cancel()
	_, err = csi.NewControllerClient(conn).DeleteVolume(patient, &csi.DeleteVolumeRequest{VolumeId: volume.Spec.CSI.VolumeHandle})
	return err
}
