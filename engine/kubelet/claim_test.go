package kubelet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// withClaim mounts the claim data at /data.
func withClaim(readOnly bool) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data", ReadOnly: readOnly},
		}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/data"}}
	}
}

// bind puts the claim data and its volume, disk, into the API.
func (w *world) bind(edit ...func(*corev1.PersistentVolumeClaim, *corev1.PersistentVolume)) {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data", UID: "c", Annotations: map[string]string{"pv.kubernetes.io/bind-completed": "yes"}},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "disk"},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "disk"},
		Spec:       corev1.PersistentVolumeSpec{ClaimRef: &corev1.ObjectReference{Namespace: "default", Name: "data", UID: types.UID("c")}},
	}
	for _, e := range edit {
		e(claim, volume)
	}
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	w.api.claims = map[string]*corev1.PersistentVolumeClaim{"default/data": claim}
	w.api.volumes = map[string]*corev1.PersistentVolume{"disk": volume}
}

func hostPath(path string) func(*corev1.PersistentVolumeClaim, *corev1.PersistentVolume) {
	return func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
		v.Spec.HostPath = &corev1.HostPathVolumeSource{Path: path}
	}
}

func TestClaimIsMountedWhenItIsBound(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", withClaim(true)))
		synctest.Wait()
		w.toldOf("web", `error processing PVC default/data: failed to fetch PVC from API server: persistentvolumeclaims "data" not found`)
		unbound := func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) {
			c.Annotations, c.Spec.VolumeName = nil, ""
		}
		w.bind(unbound)
		w.after(5 * time.Second)
		w.toldOf("web", "error processing PVC default/data: PVC is not bound")
		place := filepath.Join(w.root, "disk")
		if err := os.Mkdir(place, 0o700); err != nil {
			t.Fatal(err)
		}
		w.bind(hostPath(place))
		w.after(10 * time.Second)
		w.expect("web", "Running/ready")
		for _, m := range w.runtime.newest("main").config.Mounts {
			if m.ContainerPath == "/data" && (m.HostPath != place || !m.Readonly) {
				t.Errorf("mounted: %v", m)
			}
		}
	})
}

// toldOf says that a FailedMount Event has been written that contains text.
func (w *world) toldOf(pod, text string) {
	w.t.Helper()
	for _, line := range w.api.told() {
		if strings.HasPrefix(line, "Warning FailedMount: ") && strings.Contains(line, text) {
			return
		}
	}
	w.t.Errorf("no FailedMount %q about %s in %q", text, pod, w.api.told())
}

func TestVolumesThatCannotBeMounted(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*corev1.PersistentVolumeClaim, *corev1.PersistentVolume)
		want string
	}{
		"a block device": {func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
			v.Spec.VolumeMode, v.Spec.Local = ptr.To(corev1.PersistentVolumeBlock), &corev1.LocalVolumeSource{Path: "/dev/sda"}
		}, `MountVolume.SetUp failed for volume "disk" : the volume is a block device (volumeMode: Block), and drydock mounts file systems only`},
		"somebody else's": {
			func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) { v.Spec.ClaimRef.UID = "another" },
			"found PV object disk but its pv.Spec.ClaimRef.UID another does not point to claim.UID c",
		},
		"of an unknown kind": {func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
			v.Spec.NFS = &corev1.NFSVolumeSource{Server: "x", Path: "/"}
		}, "no volume plugin matched"},
		"without a driver": {func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
			v.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: "example.com", VolumeHandle: "x"}
		}, "driver name example.com not found in the list of registered CSI drivers"},
		"going": {func(c *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
			now := metav1.Now()
			c.DeletionTimestamp = &now
			v.Spec.HostPath = &corev1.HostPathVolumeSource{Path: "/"}
		}, "PVC is being deleted"},
		"a path that is not there": {func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
			v.Spec.Local = &corev1.LocalVolumeSource{Path: "/no/such/place"}
		}, `path "/no/such/place" does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.bind(test.edit)
				w.api.put(newPod("web", withClaim(false)))
				w.after(20 * time.Second)
				w.toldOf("web", test.want)
			})
		})
	}
}
