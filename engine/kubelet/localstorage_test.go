package kubelet_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestPodsThatWriteTooMuchAreEvicted(t *testing.T) {
	limit := resource.MustParse("1Mi")
	inBubble(t, func(t *testing.T, w *world) {
		storage := func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceEphemeralStorage: limit}
		}
		volume := func(medium corev1.StorageMedium, limit *resource.Quantity) func(*corev1.Pod) {
			return func(pod *corev1.Pod) {
				pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: medium, SizeLimit: limit}}}}
			}
		}
		second := func(pod *corev1.Pod) {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
				Name: "second", Image: "drydock/web:1", ImagePullPolicy: corev1.PullIfNotPresent,
				Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse("100Mi")}},
			})
		}
		data := func(pod string) string {
			return filepath.Join(w.root, "kubelet", "pods", "uid-of-"+pod, "volumes", "kubernetes.io~empty-dir", "data", "file")
		}
		log := func(pod string) string {
			return filepath.Join(w.root, "log", "default_"+pod+"_uid-of-"+pod, "main", "0.log")
		}
		w.api.put(newPod("modest", storage, volume("", &limit)))
		w.api.put(newPod("volume", volume("", &limit)))
		w.api.put(newPod("pod", storage))
		w.api.put(newPod("container", storage, second))
		w.api.put(newPod("unlimited", volume("", nil)))
		synctest.Wait()
		for _, path := range []string{data("volume"), log("pod"), log("container"), data("unlimited")} {
			if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(data("modest"), make([]byte, 1<<19), 0o600); err != nil {
			t.Fatal(err)
		}
		w.after(15 * time.Second)
		for name, want := range map[string]string{
			"modest": "", "unlimited": "",
			"volume":    `Usage of EmptyDir volume "data" exceeds the limit "1Mi". `,
			"pod":       "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
			"container": `Container main exceeded its local ephemeral storage limit "1Mi". `,
		} {
			s := w.status(name)
			if diff := cmp.Diff(want, s.Message); diff != "" || (s.Reason == "Evicted") != (want != "") || (s.Phase == corev1.PodFailed) != (want != "") {
				t.Errorf("%s is %s %s (-want +got):\n%s", name, s.Phase, s.Reason, diff)
			}
			for _, c := range s.Conditions {
				if c.Type == corev1.DisruptionTarget {
					t.Errorf("%s shows a disruption: %v", name, c)
				}
			}
		}
	})
}
