package provisioner

import (
	"context"
	"errors"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	volumehelpers "k8s.io/component-helpers/storage/volume"

	"drydock/engine/controller"
	"drydock/engine/storage"
)

// finalizer keeps the object of a volume until its data is gone.
const finalizer = volumehelpers.PVDeletionProtectionFinalizer

// Options is how the driver can be reached.
type Options struct {
	// Socket is where the driver on a node answers. The error says why it does not: the node is off.
	Socket func(node string) (string, error)
}

// key names a claim or, with volume, a volume.
type key struct {
	controller.Key
	volume bool
}

// Controller makes and deletes volumes.
type Controller struct {
	// set once in New
	*controller.Loop[key]
	client  kubernetes.Interface
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	nodes   corelisters.NodeLister
	classes storagelisters.StorageClassLister
	drivers *drivers

	said sync.Map // what was said last about a claim or volume, by key
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config, opts Options) (*Controller, error) {
	core, classes := cfg.Informers.Core().V1(), cfg.Informers.Storage().V1().StorageClasses()
	c := &Controller{
		client: cfg.Client, claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
		nodes: core.Nodes().Lister(), classes: classes.Lister(), drivers: newDrivers(opts),
	}
	c.Loop = controller.NewLoop(storage.Provisioner, cfg, c.Reconcile)
	c.Resource, c.Workers = "persistentvolumeclaims", 8
	c.Needs(classes.Informer())
	return c, errors.Join(
		c.FollowAll(core.PersistentVolumeClaims().Informer(), func(obj any) []key {
			named, _ := controller.KeyOf(obj)
			return []key{{Key: named}}
		}),
		c.FollowAll(core.PersistentVolumes().Informer(), func(obj any) []key {
			named, _ := controller.KeyOf(obj)
			return []key{{Key: named, volume: true}}
		}),
		c.Follow(core.Nodes().Informer(), cache.ResourceEventHandlerFuncs{
			UpdateFunc: func(old, obj any) {
				if !ready(old.(*corev1.Node)) && ready(obj.(*corev1.Node)) {
					c.addAll() // what had to wait for the node
				}
			},
			DeleteFunc: func(any) { c.addAll() },
		}),
	)
}

// Run implements the loop, and closes the connections at its end.
func (c *Controller) Run(ctx context.Context) error {
	defer c.drivers.close()
	return c.Loop.Run(ctx)
}

func (c *Controller) addAll() {
	claims, _ := c.claims.List(labels.Everything()) // listing local copies cannot fail
	for _, claim := range claims {
		if claim.Spec.VolumeName == "" {
			c.Add(key{Key: controller.Key{Namespace: claim.Namespace, Name: claim.Name}})
		}
	}
	volumes, _ := c.volumes.List(labels.Everything())
	for _, volume := range volumes {
		if volume.Status.Phase != corev1.VolumeBound {
			c.Add(key{Key: controller.Key{Name: volume.Name}, volume: true})
		}
	}
}

func ready(node *corev1.Node) bool {
	for i := range node.Status.Conditions {
		if c := &node.Status.Conditions[i]; c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// ours says whether a provisioner's name is one of the two that we answer to.
func ours(name string) bool { return name == storage.Provisioner || name == storage.Driver }

// Reconcile makes the volume of one claim, or deletes one volume, if that is due.
func (c *Controller) Reconcile(ctx context.Context, k key) error {
	if k.volume {
		volume, err := c.volumes.Get(k.Name)
		if err != nil {
			c.said.Delete(k)
			return ignoreNotFound(err)
		}
		return c.reconcileVolume(ctx, volume)
	}
	claim, err := c.claims.PersistentVolumeClaims(k.Namespace).Get(k.Name)
	if err != nil {
		c.said.Delete(k)
		return ignoreNotFound(err)
	}
	return c.reconcileClaim(ctx, claim)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// news says whether a text about k has not been said just before.
func (c *Controller) news(k key, text string) bool {
	before, _ := c.said.Swap(k, text)
	return before != text
}
