package volumeprotection

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/controller"
)

const attributesFinalizer = "kubernetes.io/vac-protection"

// Attributes protects VolumeAttributesClasses that claims or volumes name.
type Attributes struct {
	// set once in NewAttributes
	*controller.Loop[controller.Key]
	client  kubernetes.Interface
	classes storagelisters.VolumeAttributesClassLister
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
}

// NewAttributes makes the controller. Nothing runs before Run.
func NewAttributes(cfg controller.Config) (*Attributes, error) {
	core, classes := cfg.Informers.Core().V1(), cfg.Informers.Storage().V1().VolumeAttributesClasses()
	c := &Attributes{
		client: cfg.Client, classes: classes.Lister(), claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
	}
	c.Loop = controller.NewLoop("vac-protection-controller", cfg, c.Reconcile)
	c.Resource = "volumeattributesclasses"
	return c, errors.Join(
		c.FollowAll(classes.Informer(), func(obj any) []controller.Key {
			return []controller.Key{{Name: obj.(*storagev1.VolumeAttributesClass).Name}}
		}),
		c.FollowAll(core.PersistentVolumeClaims().Informer(), func(obj any) []controller.Key {
			return named(attributesOfClaim(obj.(*corev1.PersistentVolumeClaim))...)
		}),
		c.FollowAll(core.PersistentVolumes().Informer(), func(obj any) []controller.Key {
			return named(ptr.Deref(obj.(*corev1.PersistentVolume).Spec.VolumeAttributesClassName, ""))
		}),
	)
}

func named(names ...string) []controller.Key {
	var keys []controller.Key
	for _, name := range names {
		if name != "" {
			keys = append(keys, controller.Key{Name: name})
		}
	}
	return keys
}

// attributesOfClaim are the classes that a claim wants, has, or is on the way to.
func attributesOfClaim(claim *corev1.PersistentVolumeClaim) []string {
	names := []string{ptr.Deref(claim.Spec.VolumeAttributesClassName, ""), ptr.Deref(claim.Status.CurrentVolumeAttributesClassName, "")}
	if claim.Status.ModifyVolumeStatus != nil {
		names = append(names, claim.Status.ModifyVolumeStatus.TargetVolumeAttributesClassName)
	}
	return names
}

// Reconcile gives a class its finalizer, or takes it away from one that is to go and that nobody names.
func (c *Attributes) Reconcile(ctx context.Context, key controller.Key) error {
	class, err := c.classes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	has, going := slices.Contains(class.Finalizers, attributesFinalizer), class.DeletionTimestamp != nil
	if has != going {
		return nil
	}
	if going {
		if used, err := c.used(class.Name); used || err != nil {
			return err
		}
	}
	changed := class.DeepCopy()
	changed.Finalizers = toggled(class.Finalizers, attributesFinalizer)
	_, err = c.client.StorageV1().VolumeAttributesClasses().Update(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (c *Attributes) used(name string) (bool, error) {
	claims, err := c.claims.List(labels.Everything())
	if err != nil {
		return false, err
	}
	volumes, err := c.volumes.List(labels.Everything())
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(claims, func(claim *corev1.PersistentVolumeClaim) bool {
		return slices.Contains(attributesOfClaim(claim), name)
	}) || slices.ContainsFunc(volumes, func(v *corev1.PersistentVolume) bool {
		return ptr.Deref(v.Spec.VolumeAttributesClassName, "") == name
	}), nil
}
