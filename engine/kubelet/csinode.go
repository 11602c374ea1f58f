package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// showDriver tells the cluster that a driver is here: in the node's labels, by which volumes say where they are, and in its CSINode.
func (k *Kubelet) showDriver(ctx context.Context, d *csiDriver) error {
	node, err := k.cfg.Client.Node(ctx, k.cfg.NodeName)
	if err != nil {
		return err
	}
	missing := map[string]string{}
	for key, value := range d.topology {
		switch label, has := node.Labels[key]; {
		case !has:
			missing[key] = value
		case label != value:
			return fmt.Errorf("detected topology value collision: driver reported %q:%q but existing label is %q:%q", key, value, key, label)
		}
	}
	if len(missing) > 0 {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": missing}})
		if err != nil {
			return err
		}
		if _, err := k.cfg.Client.PatchNode(ctx, k.cfg.NodeName, patch); err != nil {
			return fmt.Errorf("label the node for driver %s: %w", d.name, err)
		}
	}
	owner := metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}
	return k.writeCSINode(ctx, owner, d.entry())
}

// entry is the driver as the CSINode lists it.
func (d *csiDriver) entry() storagev1.CSINodeDriver {
	e := storagev1.CSINodeDriver{Name: d.name, NodeID: d.nodeID, TopologyKeys: slices.Sorted(maps.Keys(d.topology))}
	if d.limit > 0 {
		e.Allocatable = &storagev1.VolumeNodeResources{Count: ptr.To(int32(d.limit))}
	}
	return e
}

// writeCSINode puts a driver into the node's CSINode, which goes with the Node.
func (k *Kubelet) writeCSINode(ctx context.Context, owner metav1.OwnerReference, entry storagev1.CSINodeDriver) error {
	there, err := k.cfg.Client.CSINode(ctx, k.cfg.NodeName)
	if apierrors.IsNotFound(err) {
		_, err := k.cfg.Client.CreateCSINode(ctx, &storagev1.CSINode{
			ObjectMeta: metav1.ObjectMeta{Name: k.cfg.NodeName, OwnerReferences: []metav1.OwnerReference{owner}},
			Spec:       storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{entry}},
		})
		return err
	}
	if err != nil {
		return err
	}
	changed := there.DeepCopy()
	changed.OwnerReferences = []metav1.OwnerReference{owner} // a Node that was made anew has another uid
	changed.Spec.Drivers = slices.DeleteFunc(changed.Spec.Drivers, func(d storagev1.CSINodeDriver) bool { return d.Name == entry.Name })
	changed.Spec.Drivers = append(changed.Spec.Drivers, entry)
	if equality.Semantic.DeepEqual(there, changed) {
		return nil
	}
	_, err = k.cfg.Client.UpdateCSINode(ctx, changed)
	return err
}
