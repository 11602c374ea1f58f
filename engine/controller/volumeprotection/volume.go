package volumeprotection

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
)

const volumeFinalizer = "kubernetes.io/pv-protection"

// Volumes protects volumes that are bound.
type Volumes struct {
	// set once in NewVolumes
	*controller.Loop[controller.Key]
	client  kubernetes.Interface
	volumes corelisters.PersistentVolumeLister
}

// NewVolumes makes the controller. Nothing runs before Run.
func NewVolumes(cfg controller.Config) (*Volumes, error) {
	volumes := cfg.Informers.Core().V1().PersistentVolumes()
	c := &Volumes{client: cfg.Client, volumes: volumes.Lister()}
	c.Loop = controller.NewLoop("pv-protection-controller", cfg, c.Reconcile)
	c.Resource = "persistentvolumes"
	return c, c.FollowAll(volumes.Informer(), func(obj any) []controller.Key {
		key, _ := controller.KeyOf(obj)
		return []controller.Key{key}
	})
}

// Reconcile gives a volume its finalizer, or takes it away from one that is to go and is not bound.
func (c *Volumes) Reconcile(ctx context.Context, key controller.Key) error {
	volume, err := c.volumes.Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	has, going := slices.Contains(volume.Finalizers, volumeFinalizer), volume.DeletionTimestamp != nil
	if has != going || going && volume.Status.Phase == corev1.VolumeBound {
		return nil
	}
	changed := volume.DeepCopy()
	changed.Finalizers = toggled(volume.Finalizers, volumeFinalizer)
	_, err = c.client.CoreV1().PersistentVolumes().Update(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
