package persistentvolume

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	volumehelpers "k8s.io/component-helpers/storage/volume"
)

// askProvisioner writes into a claim which provisioner shall make a volume for it, and returns the claim as it is then.
func (c *Controller) askProvisioner(ctx context.Context, claim *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	class, err := c.classes.Get(volumehelpers.GetPersistentVolumeClaimClass(claim))
	if apierrors.IsNotFound(err) {
		c.say(claim, corev1.EventTypeWarning, "ProvisioningFailed", err.Error())
		return claim, nil // the class may come
	}
	if err != nil {
		return claim, err
	}
	if strings.HasPrefix(class.Provisioner, "kubernetes.io/") { // would be one inside the controller, or is no-provisioner
		c.say(claim, corev1.EventTypeWarning, "ProvisioningFailed", "no volume plugin matched name: "+class.Provisioner)
		return claim, nil
	}
	if claim.Annotations[volumehelpers.AnnStorageProvisioner] != class.Provisioner {
		asking := claim.DeepCopy()
		metav1.SetMetaDataAnnotation(&asking.ObjectMeta, volumehelpers.AnnBetaStorageProvisioner, class.Provisioner)
		metav1.SetMetaDataAnnotation(&asking.ObjectMeta, volumehelpers.AnnStorageProvisioner, class.Provisioner)
		written, err := c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, asking, metav1.UpdateOptions{})
		if err != nil {
			return claim, fmt.Errorf("ask %s for a volume for claim %s/%s: %w", class.Provisioner, claim.Namespace, claim.Name, err)
		}
		claim = c.wroteClaims.wrote(written)
	}
	c.say(claim, corev1.EventTypeNormal, "ExternalProvisioning", fmt.Sprintf("Waiting for a volume to be created either by the external provisioner '%s' "+
		"or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
		class.Provisioner))
	return claim, nil
}

// assignDefaultClass gives a claim without a class the default one, which has come after the claim.
func (c *Controller) assignDefaultClass(ctx context.Context, claim *corev1.PersistentVolumeClaim) (bool, error) {
	if volumehelpers.PersistentVolumeClaimHasClass(claim) {
		return false, nil
	}
	all, err := c.classes.List(labels.Everything())
	if err != nil {
		return false, err
	}
	var newest *storagev1.StorageClass
	for _, class := range all {
		if !isDefault(class) {
			continue
		}
		if newest == nil || newest.CreationTimestamp.Before(&class.CreationTimestamp) ||
			newest.CreationTimestamp.Equal(&class.CreationTimestamp) && class.Name < newest.Name {
			newest = class
		}
	}
	if newest == nil {
		return false, nil
	}
	changed := claim.DeepCopy()
	changed.Spec.StorageClassName = &newest.Name
	written, err := c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
	if err != nil {
		return false, fmt.Errorf("give claim %s/%s the class %s: %w", claim.Namespace, claim.Name, newest.Name, err)
	}
	c.wroteClaims.wrote(written)
	return true, nil
}

func isDefault(class *storagev1.StorageClass) bool {
	return class.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" ||
		class.Annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true"
}
