package conformance_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// global is the metadata of an object that is in no namespace.
func (r *room) global(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: r.ns + "-" + name}
}

func (r *room) claims() corev1client.PersistentVolumeClaimInterface {
	return r.CoreV1().PersistentVolumeClaims(r.ns)
}

func gigabytes(n string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(n + "Gi")}
}

// claim asks for a volume of a class of this test's own.
func (r *room) claim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: r.meta(name), Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: new(r.ns), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: gigabytes("1")},
	}}
}

func (r *room) volume(name string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{ObjectMeta: r.global(name), Spec: corev1.PersistentVolumeSpec{
		StorageClassName: r.ns, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Capacity: gigabytes("1"),
		PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
		PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/tmp/" + r.ns}},
	}}
}

func (r *room) storageClass(name string) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: r.global(name), Provisioner: "example.com/none"}
}

func (r *room) attachment(name string) *storagev1.VolumeAttachment {
	return &storagev1.VolumeAttachment{ObjectMeta: r.global(name), Spec: storagev1.VolumeAttachmentSpec{
		Attacher: "example.com", NodeName: "no-such-node", Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: new(r.ns)},
	}}
}

func TestVolumeAndClaimLifecycle(t *testing.T) {
	r := enter(t)
	lifecycle(r, r.CoreV1().PersistentVolumes(), r.volume("one"))
	lifecycle(r, r.claims(), r.claim("one"))
	collection(r, r.CoreV1().PersistentVolumes(), r.volume)
	collection(r, r.claims(), r.claim)
	// Together they are bound, and the claim keeps the volume from going.
	must(r.CoreV1().PersistentVolumes().Create(r.ctx, r.volume("two"), metav1.CreateOptions{}))(r)
	must(r.claims().Create(r.ctx, r.claim("two"), metav1.CreateOptions{}))(r)
	await(r, r.claims(), "two", func(c *corev1.PersistentVolumeClaim) bool { return c.Status.Phase == corev1.ClaimBound })
	r.ok(r.CoreV1().PersistentVolumes().Delete(r.ctx, r.ns+"-two", metav1.DeleteOptions{}))
	if v := must(r.CoreV1().PersistentVolumes().Get(r.ctx, r.ns+"-two", metav1.GetOptions{}))(r); v.DeletionTimestamp == nil {
		r.Error("the bound volume that was deleted does not say so")
	}
	r.ok(r.claims().Delete(r.ctx, "two", metav1.DeleteOptions{}))
	gone[*corev1.PersistentVolumeClaim](r, r.claims(), named("two"))
	gone[*corev1.PersistentVolume](r, r.CoreV1().PersistentVolumes(), named(r.ns+"-two"))
}

func TestVolumeAndClaimStatus(t *testing.T) {
	r := enter(t)
	must(r.claims().Create(r.ctx, r.claim("one"), metav1.CreateOptions{}))(r)
	await(r, r.claims(), "one", func(c *corev1.PersistentVolumeClaim) bool { return c.Status.Phase == corev1.ClaimPending })
	keepsConditions(r, r.claims(), "one", func(c *corev1.PersistentVolumeClaim) []string {
		var types []string
		for _, condition := range c.Status.Conditions {
			types = append(types, string(condition.Type))
		}
		return types
	}, func(c *corev1.PersistentVolumeClaim, name string) {
		c.Status.Conditions = append(c.Status.Conditions, corev1.PersistentVolumeClaimCondition{
			Type: corev1.PersistentVolumeClaimConditionType(name), Status: corev1.ConditionTrue, Reason: "Test", Message: "set by a test",
		})
	})
	volumes := r.CoreV1().PersistentVolumes()
	must(volumes.Create(r.ctx, r.volume("two"), metav1.CreateOptions{}))(r)
	t.Cleanup(func() { _ = volumes.Delete(r.background(), r.ns+"-two", metav1.DeleteOptions{}) })
	name := r.ns + "-two"
	await(r, volumes, name, func(v *corev1.PersistentVolume) bool {
		return v.Status.Phase == corev1.VolumeBound || v.Status.Phase == corev1.VolumeAvailable
	})
	patch(r, volumes, name, map[string]any{"status": map[string]any{"message": "patched", "reason": "Test"}}, "status")
	await(r, volumes, name, func(v *corev1.PersistentVolume) bool {
		return v.Status.Message == "patched" && v.Status.Reason == "Test"
	})
}

func TestStorageClassLifecycle(t *testing.T) {
	r := enter(t)
	lifecycle(r, r.StorageV1().StorageClasses(), r.storageClass("one"))
	collection(r, r.StorageV1().StorageClasses(), r.storageClass)
}

func TestVolumeAttributesClassLifecycle(t *testing.T) {
	r := enter(t)
	class := func(name string) *storagev1.VolumeAttributesClass {
		return &storagev1.VolumeAttributesClass{ObjectMeta: r.global(name), DriverName: "example.com", Parameters: map[string]string{"iops": "1"}}
	}
	lifecycle(r, r.StorageV1().VolumeAttributesClasses(), class("one"))
	collection(r, r.StorageV1().VolumeAttributesClasses(), class)
}

func TestCSIDriverLifecycle(t *testing.T) {
	r := enter(t)
	driver := func(name string) *storagev1.CSIDriver { return &storagev1.CSIDriver{ObjectMeta: r.global(name)} }
	lifecycle(r, r.StorageV1().CSIDrivers(), driver("one"))
	collection(r, r.StorageV1().CSIDrivers(), driver)
}

func TestCSINodeLifecycle(t *testing.T) {
	r := enter(t)
	node := func(name string) *storagev1.CSINode { return &storagev1.CSINode{ObjectMeta: r.global(name)} }
	lifecycle(r, r.StorageV1().CSINodes(), node("one"))
	collection(r, r.StorageV1().CSINodes(), node)
	kubelets := 0
	// The lab's own say which driver is on each node; a Node that another test made has no kubelet to say so.
	for _, n := range must(r.CoreV1().Nodes().List(r.ctx, metav1.ListOptions{}))(r).Items {
		if n.Status.NodeInfo.KubeletVersion == "" {
			continue
		}
		kubelets++
		await(r, r.StorageV1().CSINodes(), n.Name, func(c *storagev1.CSINode) bool {
			return slices.ContainsFunc(c.Spec.Drivers, func(d storagev1.CSINodeDriver) bool { return d.Name == "path.drydock.local" && d.NodeID == n.Name })
		})
	}
	if kubelets == 0 {
		r.Error("no node has a kubelet")
	}
}

func TestCSIStorageCapacityLifecycle(t *testing.T) {
	r := enter(t)
	capacity := func(name string) *storagev1.CSIStorageCapacity {
		return &storagev1.CSIStorageCapacity{ObjectMeta: r.meta(name), StorageClassName: "standard", Capacity: new(resource.MustParse("1Gi"))}
	}
	lifecycle(r, r.StorageV1().CSIStorageCapacities(r.ns), capacity("one"))
	collection(r, r.StorageV1().CSIStorageCapacities(r.ns), capacity)
}

func TestVolumeAttachmentLifecycle(t *testing.T) {
	r := enter(t)
	lifecycle(r, r.StorageV1().VolumeAttachments(), r.attachment("one"))
	collection(r, r.StorageV1().VolumeAttachments(), r.attachment)
}

func TestVolumeAttachmentStatus(t *testing.T) {
	r := enter(t)
	attachments := r.StorageV1().VolumeAttachments()
	made := must(attachments.Create(r.ctx, r.attachment("one"), metav1.CreateOptions{}))(r)
	if made.Status.Attached {
		r.Error("it begins attached")
	}
	if got := patch(r, attachments, made.Name, map[string]any{"status": map[string]any{"attached": true}}, "status"); !got.Status.Attached {
		r.Error("a patch of the status did not attach it")
	}
	made = must(attachments.Get(r.ctx, made.Name, metav1.GetOptions{}))(r)
	made.Status.Attached = false
	if got := must(attachments.UpdateStatus(r.ctx, made, metav1.UpdateOptions{}))(r); got.Status.Attached {
		r.Error("an update of the status did not detach it")
	}
	r.ok(attachments.Delete(r.ctx, made.Name, metav1.DeleteOptions{}))
	gone[*storagev1.VolumeAttachment](r, attachments, named(made.Name))
}

func TestPodWithAnInlineVolumeOfADriver(t *testing.T) {
	r := enter(t)
	pod := func(name string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: r.meta(name), Spec: corev1.PodSpec{
			NodeSelector: map[string]string{"no-such": "node"}, // the API is meant here
			Containers:   []corev1.Container{{Name: "c", Image: "drydock/base:1"}},
			Volumes:      []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "example.com"}}}},
		}}
	}
	lifecycle(r, r.pods(), pod("one"))
	made := must(r.pods().Create(r.ctx, pod("two"), metav1.CreateOptions{}))(r)
	if made.Spec.Volumes[0].CSI == nil || made.Spec.Volumes[0].CSI.Driver != "example.com" {
		r.Errorf("the volume is %+v", made.Spec.Volumes[0])
	}
	r.ok(r.pods().Delete(r.ctx, "two", metav1.DeleteOptions{}))
	gone[*corev1.Pod](r, r.pods(), named("two"))
}
