package persistentvolume

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	volumehelpers "k8s.io/component-helpers/storage/volume"

	"drydock/engine/controller"
)

// key names a claim or, with volume, a volume.
type key struct {
	controller.Key
	volume bool
}

// Controller binds claims to volumes. It has one worker, so that two claims do not run for the same volume.
type Controller struct {
	// set once in New
	*controller.Loop[key]
	client  kubernetes.Interface
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister
	pods    corelisters.PodLister

	// owned by the worker
	wroteClaims  newest[*corev1.PersistentVolumeClaim]
	wroteVolumes newest[*corev1.PersistentVolume]
	said         map[controller.Key]string // uid and text of the last Event about each pending claim
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	core, classes := cfg.Informers.Core().V1(), cfg.Informers.Storage().V1().StorageClasses()
	c := &Controller{
		client: cfg.Client, claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
		classes: classes.Lister(), pods: core.Pods().Lister(),
		wroteClaims: newest[*corev1.PersistentVolumeClaim]{}, wroteVolumes: newest[*corev1.PersistentVolume]{}, said: map[controller.Key]string{},
	}
	c.Loop = controller.NewLoop("persistentvolume-controller", cfg, c.Reconcile)
	c.Resource, c.Workers = "persistentvolumeclaims", 1
	c.Needs(core.Pods().Informer())
	return c, errors.Join(
		c.FollowAll(core.PersistentVolumeClaims().Informer(), c.keysOfClaim),
		c.FollowAll(core.PersistentVolumes().Informer(), c.keysOfVolume),
		c.Follow(classes.Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc:    func(obj any) { c.classChanged(obj.(*storagev1.StorageClass)) },
			UpdateFunc: func(_, obj any) { c.classChanged(obj.(*storagev1.StorageClass)) },
		}),
	)
}

func claimKey(namespace, name string) key {
	return key{Key: controller.Key{Namespace: namespace, Name: name}}
}

func volumeKey(name string) key { return key{Key: controller.Key{Name: name}, volume: true} }

// keysOfClaim are the claim and its volume, whose phase depends on it.
func (c *Controller) keysOfClaim(obj any) []key {
	claim := obj.(*corev1.PersistentVolumeClaim)
	keys := []key{claimKey(claim.Namespace, claim.Name)}
	if claim.Spec.VolumeName != "" {
		keys = append(keys, volumeKey(claim.Spec.VolumeName))
	}
	return keys
}

// keysOfVolume are the volume, the claim it names, and those that might get it.
func (c *Controller) keysOfVolume(obj any) []key {
	volume := obj.(*corev1.PersistentVolume)
	keys := []key{volumeKey(volume.Name)}
	if ref := volume.Spec.ClaimRef; ref != nil {
		return append(keys, claimKey(ref.Namespace, ref.Name))
	}
	for _, claim := range c.pending() {
		asked := claim.Spec.VolumeName == volume.Name
		if asked || volumehelpers.GetPersistentVolumeClaimClass(claim) == volumehelpers.GetPersistentVolumeClass(volume) {
			keys = append(keys, claimKey(claim.Namespace, claim.Name))
		}
	}
	return keys
}

// classChanged wakes the claims that wait for a class, or for one to become the default.
func (c *Controller) classChanged(class *storagev1.StorageClass) {
	for _, claim := range c.pending() {
		if name := volumehelpers.GetPersistentVolumeClaimClass(claim); name == "" || name == class.Name {
			c.Add(claimKey(claim.Namespace, claim.Name))
		}
	}
}

// pending are the claims without a volume.
func (c *Controller) pending() []*corev1.PersistentVolumeClaim {
	all, err := c.claims.List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var pending []*corev1.PersistentVolumeClaim
	for _, claim := range all {
		if _, bound := claim.Annotations[volumehelpers.AnnBindCompleted]; !bound {
			pending = append(pending, claim)
		}
	}
	return pending
}

// Reconcile takes one step with a claim or with a volume.
func (c *Controller) Reconcile(ctx context.Context, k key) error {
	if k.volume {
		volume, err := c.volume(k.Name)
		if volume == nil {
			return err
		}
		return c.syncVolume(ctx, volume)
	}
	claim, err := c.claim(k.Key)
	if claim == nil {
		return err
	}
	if _, bound := claim.Annotations[volumehelpers.AnnBindCompleted]; bound {
		delete(c.said, k.Key)
		return c.syncBound(ctx, claim)
	}
	return c.syncUnbound(ctx, claim)
}
