package provisioner

import (
	"context"
	"fmt"
	"slices"

	"github.com/container-storage-interface/spec/lib/go/csi"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
	"drydock/engine/storage"
)

// Resizer grows volumes to what their claims ask for.
type Resizer struct {
	// set once in NewResizer
	*controller.Loop[controller.Key]
	client  kubernetes.Interface
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	places  *Controller // knows the nodes
}

// NewResizer makes the resizer. Nothing runs before Run.
func NewResizer(cfg controller.Config, opts Options) (*Resizer, error) {
	core := cfg.Informers.Core().V1()
	r := &Resizer{
		client: cfg.Client, claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
		places: &Controller{nodes: core.Nodes().Lister(), drivers: newDrivers(opts)},
	}
	r.Loop = controller.NewLoop("external-resizer "+storage.Driver, cfg, r.Reconcile)
	r.Resource = "persistentvolumeclaims"
	r.Needs(core.PersistentVolumes().Informer(), core.Nodes().Informer())
	return r, r.FollowAll(core.PersistentVolumeClaims().Informer(), func(obj any) []controller.Key {
		key, _ := controller.KeyOf(obj)
		return []controller.Key{key}
	})
}

// Run implements the loop, and closes the connections at its end.
func (r *Resizer) Run(ctx context.Context) error {
	defer r.places.drivers.close()
	return r.Loop.Run(ctx)
}

// Reconcile grows the volume of one claim, if it asks for more than it has.
func (r *Resizer) Reconcile(ctx context.Context, key controller.Key) error {
	claim, err := r.claims.PersistentVolumeClaims(key.Namespace).Get(key.Name)
	if err != nil {
		return ignoreNotFound(err)
	}
	wanted, has := claim.Spec.Resources.Requests[corev1.ResourceStorage], claim.Status.Capacity[corev1.ResourceStorage]
	if claim.Status.Phase != corev1.ClaimBound || claim.DeletionTimestamp != nil || wanted.Cmp(has) <= 0 {
		return nil
	}
	volume, err := r.volumes.Get(claim.Spec.VolumeName)
	if err != nil {
		return err // not there yet: the two watches are not in step
	}
	if volume.Spec.CSI == nil || volume.Spec.CSI.Driver != storage.Driver {
		return nil
	}
	if size := volume.Spec.Capacity[corev1.ResourceStorage]; wanted.Cmp(size) > 0 {
		if err := r.grow(ctx, claim, volume); err != nil {
			return err
		}
	}
	return r.finish(ctx, claim)
}

// grow has the driver grow a volume, and writes its new size.
func (r *Resizer) grow(ctx context.Context, claim *corev1.PersistentVolumeClaim, volume *corev1.PersistentVolume) error {
	r.Normal(claim, "Resizing", "External resizer is resizing volume %s", volume.Name)
	wanted := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	err := r.growData(ctx, volume, wanted.Value())
	if err != nil {
		if ctx.Err() == nil {
			r.Warning(claim, "VolumeResizeFailed", "resize volume %q by resizer %q failed: %s", volume.Name, storage.Driver, err)
		}
		return err
	}
	changed := volume.DeepCopy()
	before := changed.Spec.Capacity[corev1.ResourceStorage]
	changed.Spec.Capacity[corev1.ResourceStorage] = wanted
	if _, err := r.client.CoreV1().PersistentVolumes().Update(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("write the size of volume %s: %w", volume.Name, err)
	}
	r.Decide(decision.Record{
		Object: controller.Refer("persistentvolumeclaims", claim), Action: "Resize", Before: before.String(), After: wanted.String(), Reason: "Resizing",
	})
	return nil
}

func (r *Resizer) growData(ctx context.Context, volume *corev1.PersistentVolume, bytes int64) error {
	node := homeOf(volume)
	if node == "" {
		var err error
		if node, err = r.places.anyNode(); err != nil {
			return err
		}
	}
	conn, err := r.places.drivers.on(node)
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	patient, cancel := storage.WithPatience(ctx)
	defer cancel()
	_, err = csi.NewControllerClient(conn).ControllerExpandVolume(patient, &csi.ControllerExpandVolumeRequest{
		VolumeId: volume.Spec.CSI.VolumeHandle, CapacityRange: &csi.CapacityRange{RequiredBytes: bytes},
	})
	return err
}

// finish tells the claim what it has now. The kubelet has nothing to do: a directory needs no file system that grows with it.
func (r *Resizer) finish(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	changed := claim.DeepCopy()
	changed.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]}
	changed.Status.Conditions = slices.DeleteFunc(changed.Status.Conditions, func(c corev1.PersistentVolumeClaimCondition) bool {
		return c.Type == corev1.PersistentVolumeClaimResizing || c.Type == corev1.PersistentVolumeClaimFileSystemResizePending
	})
	if _, err := r.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return ignoreNotFound(err)
	}
	r.Normal(claim, "VolumeResizeSuccessful", "Resize volume succeeded")
	return nil
}
