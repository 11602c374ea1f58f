package persistentvolume_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/persistentvolume"
)

// world is a cluster with the controller in it.
type world struct {
	*controllertest.Cluster
	t *testing.T
}

func start(t *testing.T) world {
	t.Helper()
	c := controllertest.New(t)
	pv, err := persistentvolume.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(pv)
	c.Settle()
	return world{c, t}
}

func claim(name, size string, change ...func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: ptr.To(""),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func volume(name, size string, change ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/mnt/" + name}},
		},
	}
	for _, f := range change {
		f(v)
	}
	return v
}

func class(name string, mode storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: "example.com/disk", VolumeBindingMode: &mode}
}

func ofClass(name string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = &name }
}

// put creates objects, one after the other.
func (w world) put(objects ...any) {
	w.t.Helper()
	ctx, core := context.Background(), w.Client.CoreV1()
	for _, obj := range objects {
		var err error
		switch obj := obj.(type) {
		case *corev1.PersistentVolumeClaim:
			_, err = core.PersistentVolumeClaims(obj.Namespace).Create(ctx, obj, metav1.CreateOptions{})
		case *corev1.PersistentVolume:
			_, err = core.PersistentVolumes().Create(ctx, obj, metav1.CreateOptions{})
		case *storagev1.StorageClass:
			_, err = w.Client.StorageV1().StorageClasses().Create(ctx, obj, metav1.CreateOptions{})
		case *corev1.Pod:
			_, err = core.Pods(obj.Namespace).Create(ctx, obj, metav1.CreateOptions{})
		}
		if err != nil {
			w.t.Fatal(err)
		}
		w.Settle()
	}
}

func (w world) claim(name string) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	c, err := w.Client.CoreV1().PersistentVolumeClaims("default").Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w world) volume(name string) *corev1.PersistentVolume {
	w.t.Helper()
	v, err := w.Client.CoreV1().PersistentVolumes().Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// state is "claim phase volume" and "volume phase claim" in short.
func (w world) state(name string) string {
	c := w.claim(name)
	return string(c.Status.Phase) + " " + c.Spec.VolumeName
}

func (w world) phase(name string) string {
	v := w.volume(name)
	if v.Spec.ClaimRef == nil {
		return string(v.Status.Phase)
	}
	return string(v.Status.Phase) + " " + v.Spec.ClaimRef.Name
}

func (w world) want(got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("got %q, want %q", got, want)
	}
}

// events lists "Reason: message" of all Events.
func (w world) events() string {
	w.t.Helper()
	w.Settle()
	list, err := w.Client.CoreV1().Events("").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, e := range list.Items {
		lines = append(lines, e.Type+" "+e.Reason+": "+e.Message)
	}
	return strings.Join(lines, "\n")
}

func (w world) saw(text string) {
	w.t.Helper()
	if all := w.events(); !strings.Contains(all, text) {
		w.t.Errorf("no Event %q in:\n%s", text, all)
	}
}

func TestTakesTheSmallestVolumeThatWillDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(volume("large", "10Gi"), volume("middle", "3Gi"), volume("small", "1Gi"), volume("many", "2Gi", func(v *corev1.PersistentVolume) {
			v.Spec.AccessModes = append(v.Spec.AccessModes, corev1.ReadWriteMany)
		}), claim("data", "2Gi"))
		w.want(w.state("data"), "Bound middle") // what offers just the modes asked for comes first, then size
		w.want(w.phase("middle"), "Bound data")
		w.want(w.phase("large"), "Available")
		c := w.claim("data")
		want := map[string]string{"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
		if diff := cmp.Diff(want, c.Annotations); diff != "" {
			t.Errorf("annotations of the claim (-want +got):\n%s", diff)
		}
		w.want(c.Status.Capacity.Storage().String(), "3Gi")
		w.want(w.volume("middle").Annotations["pv.kubernetes.io/bound-by-controller"], "yes")
	})
}

func TestAsksForMoreThanASizeOfAVolume(t *testing.T) {
	for name, test := range map[string]struct {
		claim  func(*corev1.PersistentVolumeClaim)
		volume func(*corev1.PersistentVolume)
		want   string
	}{
		"class": {ofClass("fast"), func(v *corev1.PersistentVolume) { v.Spec.StorageClassName = "slow" }, "Pending "},
		"mode": {
			func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock) },
			func(v *corev1.PersistentVolume) { v.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeFilesystem) }, "Pending ",
		},
		"access": {func(c *corev1.PersistentVolumeClaim) {
			c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
		}, func(*corev1.PersistentVolume) {}, "Pending "},
		"selector": {func(c *corev1.PersistentVolumeClaim) {
			c.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}
		}, func(v *corev1.PersistentVolume) { v.Labels = map[string]string{"tier": "tin"} }, "Pending "},
		"reserved": {func(*corev1.PersistentVolumeClaim) {}, func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "other"}
		}, "Pending "},
		"reserved for it": {func(*corev1.PersistentVolumeClaim) {}, func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data"}
		}, "Bound disk"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t)
				w.put(volume("disk", "5Gi", test.volume), claim("data", "1Gi", test.claim))
				w.want(w.state("data"), test.want)
			})
		})
	}
}

func TestClaimThatNamesItsVolume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		named := func(volume string) func(*corev1.PersistentVolumeClaim) {
			return func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = volume }
		}
		w.put(volume("a", "1Gi"), claim("first", "1Gi", named("a")), claim("second", "1Gi", named("a")), claim("third", "9Gi", named("b")), volume("b", "1Gi"))
		w.want(w.state("first"), "Bound a")
		w.want(w.state("second"), "Pending a")
		w.saw(`Warning FailedBinding: volume "a" already bound to a different claim.`)
		w.saw(`Warning VolumeMismatch: Cannot bind to requested volume "b": requested PV is too small`)
	})
}

func TestTwoClaimsNeverGetOneVolume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(volume("only", "1Gi"))
		w.Hold("persistentvolumes") // the controller must remember what it has given away
		for _, name := range []string{"a", "b"} {
			w.put(claim(name, "1Gi"))
		}
		w.Release()
		bound := 0
		for _, name := range []string{"a", "b"} {
			if w.claim(name).Status.Phase == corev1.ClaimBound {
				bound++
			}
		}
		if bound != 1 {
			t.Errorf("%d claims are bound to one volume", bound)
		}
	})
}

func TestReleasedVolumeIsNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(volume("disk", "1Gi"), claim("data", "1Gi"))
		if err := w.Client.CoreV1().PersistentVolumeClaims("default").Delete(context.Background(), "data", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		w.want(w.phase("disk"), "Released data")
		w.put(claim("data", "1Gi")) // of the same name, but not the same
		w.want(w.state("data"), "Pending ")
		w.saw("Normal FailedBinding: no persistent volumes available for this claim and no storage class is set")
	})
}

func TestDeleteWithoutADeleterFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(volume("disk", "1Gi", func(v *corev1.PersistentVolume) {
			v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimDelete
		}), claim("data", "1Gi"))
		if err := w.Client.CoreV1().PersistentVolumeClaims("default").Delete(context.Background(), "data", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		w.want(w.phase("disk"), "Failed data")
		w.saw(`Warning VolumeFailedDelete: error getting deleter volume plugin for volume "disk": no deletable volume plugin matched`)
	})
}

func TestLostVolume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(volume("disk", "1Gi"), claim("data", "1Gi"))
		if err := w.Client.CoreV1().PersistentVolumes().Delete(context.Background(), "disk", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		w.want(w.state("data"), "Lost disk")
		w.saw("Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!")
	})
}

func TestAsksAProvisioner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(claim("data", "1Gi", ofClass("disk")))
		w.saw(`Warning ProvisioningFailed: storageclass.storage.k8s.io "disk" not found`)
		w.put(class("disk", storagev1.VolumeBindingImmediate))
		c := w.claim("data")
		w.want(c.Annotations["volume.kubernetes.io/storage-provisioner"], "example.com/disk")
		w.want(c.Annotations["volume.beta.kubernetes.io/storage-provisioner"], "example.com/disk")
		w.saw("Normal ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disk' or manually")
		w.put(volume("made", "1Gi", func(v *corev1.PersistentVolume) {
			v.Spec.StorageClassName = "disk"
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data", UID: c.UID}
			v.Annotations = map[string]string{"pv.kubernetes.io/provisioned-by": "example.com/disk"}
		}))
		w.want(w.state("data"), "Bound made")
		if _, set := w.volume("made").Annotations["pv.kubernetes.io/bound-by-controller"]; set {
			t.Error("the provisioner bound the volume, and the controller says that it did")
		}
	})
}

func TestWaitsForTheFirstPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(class("disk", storagev1.VolumeBindingWaitForFirstConsumer), volume("free", "5Gi", func(v *corev1.PersistentVolume) { v.Spec.StorageClassName = "disk" }),
			claim("data", "1Gi", ofClass("disk")))
		w.want(w.state("data"), "Pending ") // the scheduler chooses, with the node
		w.saw("Normal WaitForFirstConsumer: waiting for first consumer to be created before binding")
		w.put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "app"}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{{
			Name: "v", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "later"}},
		}}}}, claim("later", "1Gi", ofClass("disk")))
		w.saw("Normal WaitForPodScheduled: waiting for pod app to be scheduled")
		c := w.claim("data")
		c.Annotations = map[string]string{"volume.kubernetes.io/selected-node": "node-1"}
		if _, err := w.Client.CoreV1().PersistentVolumeClaims("default").Update(context.Background(), c, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		w.want(w.claim("data").Annotations["volume.kubernetes.io/storage-provisioner"], "example.com/disk")
	})
}

func TestDefaultClassThatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(claim("data", "1Gi", func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = nil }), claim("none", "1Gi"))
		disk := class("disk", storagev1.VolumeBindingImmediate)
		disk.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
		w.put(disk)
		w.want(ptr.Deref(w.claim("data").Spec.StorageClassName, "nil"), "disk")
		w.want(ptr.Deref(w.claim("none").Spec.StorageClassName, "nil"), "") // a wish for none
	})
}

func TestClaimThatIsBoundElsewhereGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.put(volume("disk", "1Gi"), claim("data", "1Gi"))
		uid := w.claim("data").UID
		w.put(volume("ours", "1Gi", func(v *corev1.PersistentVolume) {
			v.Annotations = map[string]string{"pv.kubernetes.io/bound-by-controller": "yes"}
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data", UID: uid}
		}), volume("theirs", "1Gi", func(v *corev1.PersistentVolume) {
			v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: "data", UID: uid}
		}))
		w.want(w.phase("ours"), "Available")
		w.want(w.phase("theirs"), "Available data")
		if ref := w.volume("theirs").Spec.ClaimRef; ref == nil || ref.UID != "" {
			t.Errorf("what a person has reserved is reserved for %v", ref)
		}
	})
}
