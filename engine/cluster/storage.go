package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/controller/provisioner"
	"drydock/engine/storage"
)

// layStorage makes the storage classes of a new lab and tells the cluster of the driver. Once the driver is known, the classes are
// people's to change and to delete.
func (c *Cluster) layStorage(ctx context.Context) error {
	client, err := c.admin()
	if err != nil {
		return err
	}
	_, err = client.StorageV1().CSIDrivers().Get(ctx, storage.Driver, metav1.GetOptions{})
	if err == nil || !apierrors.IsNotFound(err) {
		return err
	}
	for _, class := range storageClasses() {
		if _, err := client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create the StorageClass %s: %w", class.Name, err)
		}
	}
	driver := &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: storage.Driver},
		Spec: storagev1.CSIDriverSpec{
			AttachRequired: ptr.To(false), // a directory is attached to its node already
			PodInfoOnMount: ptr.To(false),
			FSGroupPolicy:  ptr.To(storagev1.FileFSGroupPolicy),
		},
	}
	if _, err := client.StorageV1().CSIDrivers().Create(ctx, driver, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create the CSIDriver %s: %w", driver.Name, err)
	}
	return nil
}

// storageClasses are the bundled ones: volumes on the node of the pod, as in most clusters on one's own machine, and volumes that
// all nodes see.
func storageClasses() []*storagev1.StorageClass {
	standard := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name: "standard", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: storage.Provisioner, AllowVolumeExpansion: ptr.To(true),
		ReclaimPolicy:     ptr.To(corev1.PersistentVolumeReclaimDelete),
		VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	}
	shared := standard.DeepCopy()
	shared.Name, shared.Annotations = "shared", nil
	shared.Parameters = map[string]string{storage.SharedParameter: "true"}
	shared.VolumeBindingMode = ptr.To(storagev1.VolumeBindingImmediate)
	return []*storagev1.StorageClass{standard, shared}
}

// driverOptions tells the provisioner where the driver of each node answers.
func (c *Cluster) driverOptions() provisioner.Options {
	return provisioner.Options{Socket: func(name string) (string, error) {
		n, err := c.find(name)
		if err != nil {
			return "", err
		}
		m, _ := n.running()
		if m == nil {
			return "", errOff(n)
		}
		if n.status().State == "cut" {
			return "", fmt.Errorf("%s is cut off the network", name)
		}
		return m.File(storage.Socket(storage.KubeletDir, storage.Driver)), nil
	}}
}
