package provisioner

import (
	"context"
	"errors"
	"fmt"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	volumehelpers "k8s.io/component-helpers/storage/volume"
	"k8s.io/utils/ptr"

	"drydock/engine/controller"
	"drydock/engine/decision"
	"drydock/engine/storage"
)

// reconcileClaim makes a volume for a claim that waits for one of ours.
func (c *Controller) reconcileClaim(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil || !ours(asked(claim)) {
		return nil
	}
	class, err := c.classes.Get(volumehelpers.GetPersistentVolumeClaimClass(claim))
	if err != nil {
		return ignoreNotFound(err)
	}
	waits := ptr.Deref(class.VolumeBindingMode, "") == storagev1.VolumeBindingWaitForFirstConsumer
	node := claim.Annotations[volumehelpers.AnnSelectedNode]
	if class.Provisioner != asked(claim) || waits && node == "" {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	if _, err := c.client.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return err // it is there, and its claim will be bound to it
	}
	k := key{Key: controller.Key{Namespace: claim.Namespace, Name: claim.Name}}
	if c.news(k, "provisioning "+node) {
		c.Normal(claim, "Provisioning", "External provisioner is provisioning volume for claim %q", claim.Namespace+"/"+claim.Name)
	}
	err = c.provision(ctx, order{claim: claim, class: class, name: name, node: node})
	switch {
	case err == nil:
		c.Normal(claim, "ProvisioningSucceeded", "Successfully provisioned volume %s", name)
		return nil
	case ctx.Err() != nil:
		return err
	}
	if text := fmt.Sprintf("failed to provision volume with StorageClass %q: %s", class.Name, err); c.news(k, text) {
		c.Warning(claim, "ProvisioningFailed", "%s", text)
	}
	if waits && errors.Is(err, errAway) {
		return c.chooseAgain(ctx, claim)
	}
	if status.Code(err) == codes.InvalidArgument {
		return controller.Terminal(err)
	}
	return err
}

func asked(claim *corev1.PersistentVolumeClaim) string {
	if name, ok := claim.Annotations[volumehelpers.AnnStorageProvisioner]; ok {
		return name
	}
	return claim.Annotations[volumehelpers.AnnBetaStorageProvisioner]
}

// chooseAgain gives the choice of a node back to the scheduler.
func (c *Controller) chooseAgain(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	changed := claim.DeepCopy()
	delete(changed.Annotations, volumehelpers.AnnSelectedNode)
	_, err := c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
	return ignoreNotFound(err)
}

// order is what one volume shall be.
type order struct {
	claim *corev1.PersistentVolumeClaim
	class *storagev1.StorageClass
	name  string
	node  string // that the scheduler has chosen; "" when the choice is ours
}

// provision has a volume made and writes its object.
func (c *Controller) provision(ctx context.Context, o order) error {
	source, home, err := c.source(o)
	if err != nil {
		return err
	}
	request, err := c.request(o)
	if err != nil {
		return err
	}
	request.VolumeContentSource = source
	if o.node == "" {
		o.node = home
	}
	if o.node == "" || request.Parameters[storage.SharedParameter] == "true" {
		if o.node, err = c.pickNode(o); err != nil {
			return err
		}
	}
	conn, err := c.drivers.on(o.node)
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	patient, cancel := storage.WithPatience(ctx)
	defer cancel()
	answer, err := csi.NewControllerClient(conn).CreateVolume(patient, request)
	if err != nil {
		return err
	}
	volume := volumeObject(o, answer.GetVolume())
	if _, err := c.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create the PersistentVolume: %w", err)
	}
	c.Decide(decision.Record{
		Object: controller.Refer("persistentvolumeclaims", o.claim), Action: "Provision", After: o.name, Reason: "ProvisioningSucceeded",
		Details: map[string]string{"node": o.node, "volume": answer.GetVolume().GetVolumeId()},
	})
	return nil
}

// request is the claim in the driver's words.
func (c *Controller) request(o order) (*csi.CreateVolumeRequest, error) {
	if o.claim.Spec.Selector != nil {
		return nil, status.Error(codes.InvalidArgument, "claim Selector is not supported")
	}
	if ptr.Deref(o.claim.Spec.VolumeAttributesClassName, "") != "" {
		return nil, status.Error(codes.InvalidArgument, "this driver knows no VolumeAttributesClass")
	}
	size := o.claim.Spec.Resources.Requests[corev1.ResourceStorage]
	request := &csi.CreateVolumeRequest{
		Name: o.name, CapacityRange: &csi.CapacityRange{RequiredBytes: size.Value()}, Parameters: o.class.Parameters,
	}
	for _, mode := range o.claim.Spec.AccessModes {
		capability := &csi.VolumeCapability{AccessMode: &csi.VolumeCapability_AccessMode{Mode: accessModes[mode]}}
		if ptr.Deref(o.claim.Spec.VolumeMode, corev1.PersistentVolumeFilesystem) == corev1.PersistentVolumeBlock {
			capability.AccessType = &csi.VolumeCapability_Block{Block: &csi.VolumeCapability_BlockVolume{}}
		} else {
			capability.AccessType = &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{MountFlags: o.class.MountOptions}}
		}
		request.VolumeCapabilities = append(request.VolumeCapabilities, capability)
	}
	return request, nil
}

// accessModes are the words for a driver that tells one writer from many on a node.
var accessModes = map[corev1.PersistentVolumeAccessMode]csi.VolumeCapability_AccessMode_Mode{
	corev1.ReadWriteOnce:    csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER,
	corev1.ReadWriteOncePod: csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER,
	corev1.ReadOnlyMany:     csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY,
	corev1.ReadWriteMany:    csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER,
}

// volumeObject is the PersistentVolume for what the driver has made.
func volumeObject(o order, made *csi.Volume) *corev1.PersistentVolume {
	size := o.claim.Spec.Resources.Requests[corev1.ResourceStorage]
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name: o.name, Annotations: map[string]string{volumehelpers.AnnDynamicallyProvisioned: o.class.Provisioner},
		},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: o.claim.Spec.AccessModes, Capacity: corev1.ResourceList{corev1.ResourceStorage: size},
			PersistentVolumeReclaimPolicy: ptr.Deref(o.class.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete),
			StorageClassName:              o.class.Name, MountOptions: o.class.MountOptions, VolumeMode: o.claim.Spec.VolumeMode,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: o.claim.Namespace, Name: o.claim.Name, UID: o.claim.UID,
				ResourceVersion: o.claim.ResourceVersion,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
				Driver: storage.Driver, VolumeHandle: made.GetVolumeId(), VolumeAttributes: made.GetVolumeContext(),
			}},
			NodeAffinity: reachableFrom(made.GetAccessibleTopology()),
		},
	}
	if volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete {
		volume.Finalizers = []string{finalizer}
	}
	return volume
}
