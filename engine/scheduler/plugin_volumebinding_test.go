package scheduler_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"drydock/engine/controller/controllertest"
)

func storageClass(mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "disk"}, Provisioner: "example.com/disk", VolumeBindingMode: &mode}
}

func newClaim(name string, mends ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: ptr.To("disk"),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	for _, mend := range mends {
		mend(c)
	}
	return c
}

// boundTo makes a claim one that has got its volume.
func boundTo(volume string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) {
		c.Spec.VolumeName, c.Status.Phase = volume, corev1.ClaimBound
		c.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
	}
}

func forOnePod(c *corev1.PersistentVolumeClaim) {
	c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
}

// newVolume can be reached from one node; from all with "".
func newVolume(name, node string, mends ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: "disk",
			Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("5Gi")},
		},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeAvailable},
	}
	if node != "" {
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}},
		}}}}
	}
	for _, mend := range mends {
		mend(v)
	}
	return v
}

func mounts(claims ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		for _, claim := range claims {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
			}})
		}
	}
}

func inZone(zone string) func(*corev1.PersistentVolume) {
	return func(v *corev1.PersistentVolume) { v.Labels = map[string]string{corev1.LabelTopologyZone: zone} }
}

// TestClaimsDecide is one pod with claims, two nodes, and where it goes or why it cannot.
func TestClaimsDecide(t *testing.T) {
	nodes := func(objects ...runtime.Object) []runtime.Object {
		return append(objects, newNode("a", labelled(corev1.LabelTopologyZone, "east")), newNode("b", labelled(corev1.LabelTopologyZone, "west")))
	}
	decides(t, []decided{
		{
			name: "where its volume is", pod: newPod("web", mounts("data")), node: "b",
			objects: nodes(newClaim("data", boundTo("disk")), newVolume("disk", "b")),
		},
		{
			name: "out of reach", pod: newPod("web", mounts("data"), selects(corev1.LabelHostname, "a")),
			objects: nodes(newClaim("data", boundTo("disk")), newVolume("disk", "b")),
			message: "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had volume node affinity conflict." + unhelpful(2),
		},
		{
			name: "in the zone of its volume", pod: newPod("web", mounts("data")), node: "b",
			objects: nodes(newClaim("data", boundTo("disk")), newVolume("disk", "", inZone("west__north"))),
		},
		{
			name: "in no zone", pod: newPod("web", mounts("data")),
			objects: nodes(newClaim("data", boundTo("disk")), newVolume("disk", "", inZone("south"))),
			message: "0/2 nodes are available: 2 node(s) had no available volume zone." + unhelpful(2),
		},
		{
			name: "a claim that is not there", pod: newPod("web", mounts("data")), objects: nodes(),
			message: `0/2 nodes are available: persistentvolumeclaim "data" not found.` + unhelpful(2),
		},
		{
			name: "a claim to be bound at once", pod: newPod("web", mounts("data")),
			objects: nodes(storageClass(storagev1.VolumeBindingImmediate), newClaim("data")),
			message: "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims." + unhelpful(2),
		},
		{
			name: "a volume that is not there", pod: newPod("web", mounts("data")), objects: nodes(newClaim("data", boundTo("disk"))),
			message: "0/2 nodes are available: 2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)." + unhelpful(2),
		},
		{
			name: "nobody makes volumes", pod: newPod("web", mounts("data")),
			objects: nodes(newClaim("data"), &storagev1.StorageClass{
				ObjectMeta: metav1.ObjectMeta{Name: "disk"}, Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
			}),
			message: "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind." + unhelpful(2),
		},
		{
			name: "a claim for one pod", pod: newPod("web", mounts("data")),
			objects: nodes(newClaim("data", boundTo("disk"), forOnePod), newVolume("disk", ""), newPod("other", on("a"), mounts("data"))),
			message: "0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode." +
				" preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
		},
	})
}

func claimOf(t *testing.T, c *controllertest.Cluster, name string) *corev1.PersistentVolumeClaim {
	t.Helper()
	claim, err := c.Client.CoreV1().PersistentVolumeClaims("default").Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return claim
}

// bindClaim does what the persistentvolume controller would.
func bindClaim(t *testing.T, c *controllertest.Cluster, name, volume string) {
	t.Helper()
	claim := claimOf(t, c, name)
	boundTo(volume)(claim)
	if _, err := c.Client.CoreV1().PersistentVolumeClaims("default").Update(ctx, claim, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Settle()
}

// TestVolumeIsMadeWhereThePodWillBe: the claim learns the node, and the pod is bound when the volume is there.
func TestVolumeIsMadeWhereThePodWillBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, storageClass(storagev1.VolumeBindingWaitForFirstConsumer), newClaim("data"), newNode("a"), newNode("b", cordoned))
		create(t, c, newPod("web", mounts("data")), newPod("friend", mounts("data")), newPod("other"))
		c.Settle()
		if node := claimOf(t, c, "data").Annotations["volume.kubernetes.io/selected-node"]; node != "a" {
			t.Fatalf("the volume is asked for on node %q", node)
		}
		if web, other := get(t, c, "web").Spec.NodeName, get(t, c, "other").Spec.NodeName; web != "" || other != "a" {
			t.Fatalf("before the volume is there the pod is on %q; one without claims on %q", web, other)
		}
		if _, err := c.Client.CoreV1().PersistentVolumes().Create(ctx, newVolume("made", "a"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		bindClaim(t, c, "data", "made")
		if web, friend := get(t, c, "web").Spec.NodeName, get(t, c, "friend").Spec.NodeName; web != "a" || friend != "a" {
			t.Errorf("with the volume the pods are on %q and %q", web, friend)
		}
	})
}

// TestProvisionerGivesTheChoiceBack: without the node's name in the claim, the pod is tried again.
func TestProvisionerGivesTheChoiceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, storageClass(storagev1.VolumeBindingWaitForFirstConsumer), newClaim("data"), newNode("a"))
		create(t, c, newPod("web", mounts("data")))
		c.Settle()
		claim := claimOf(t, c, "data")
		delete(claim.Annotations, "volume.kubernetes.io/selected-node")
		if _, err := c.Client.CoreV1().PersistentVolumeClaims("default").Update(ctx, claim, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		told := strings.Join(events(t, c, "web"), "\n")
		if want := `FailedScheduling: running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"`; !strings.Contains(told, want) {
			t.Errorf("events %s, want %s", told, want)
		}
		c.Advance(15 * time.Second) // its back-off
		if node := claimOf(t, c, "data").Annotations["volume.kubernetes.io/selected-node"]; node != "a" {
			t.Errorf("the volume is asked for again on node %q", node)
		}
	})
}

// TestOneVolumeIsGivenAwayOnce: two pods in a row do not get the same volume, although the first binding is still on its way.
func TestOneVolumeIsGivenAwayOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		static := storageClass(storagev1.VolumeBindingWaitForFirstConsumer)
		static.Provisioner = "kubernetes.io/no-provisioner"
		c := start(t, static, newClaim("one"), newClaim("two"), newVolume("disk-a", "a"), newVolume("disk-b", "b"), newNode("a"), newNode("b"))
		c.Hold("persistentvolumes")
		create(t, c, newPod("first", mounts("one")), newPod("second", mounts("two")))
		c.Settle()
		c.Release()
		c.Settle()
		given := map[string]string{}
		for _, name := range []string{"disk-a", "disk-b"} {
			v, err := c.Client.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if v.Spec.ClaimRef == nil {
				t.Fatalf("volume %s belongs to nobody", name)
			}
			given[v.Spec.ClaimRef.Name] = name
		}
		if len(given) != 2 {
			t.Fatalf("volumes by claim: %v", given)
		}
		for claim, volume := range given {
			bindClaim(t, c, claim, volume)
		}
		for pod, claim := range map[string]string{"first": "one", "second": "two"} {
			if node := get(t, c, pod).Spec.NodeName; "disk-"+node != given[claim] {
				t.Errorf("pod %s is on node %q, its volume is %s", pod, node, given[claim])
			}
		}
	})
}

// TestClaimWakesThePod: a pod that waits for its claim is tried again when something happens to that.
func TestClaimWakesThePod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newNode("a"), newVolume("disk", ""))
		create(t, c, newPod("web", mounts("data")))
		c.Settle()
		if _, err := c.Client.CoreV1().PersistentVolumeClaims("default").Create(ctx, newClaim("data", boundTo("disk")), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		if node := get(t, c, "web").Spec.NodeName; node != "a" {
			t.Errorf("with its claim the pod is on %q", node)
		}
	})
}

// TestPodThatIsGoneWaitsForNothing: its binding ends, and others can have the room.
func TestPodThatIsGoneWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, storageClass(storagev1.VolumeBindingWaitForFirstConsumer), newClaim("data"), newNode("a"))
		create(t, c, newPod("web", mounts("data"), requests("2", "")))
		c.Settle()
		now := int64(0)
		if err := c.Client.CoreV1().Pods("default").Delete(ctx, "web", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		create(t, c, newPod("next", requests("2", "")))
		c.Settle()
		if node := get(t, c, "next").Spec.NodeName; node != "a" {
			t.Errorf("the next pod is on %q; events %q", node, events(t, c, "next"))
		}
	})
}
