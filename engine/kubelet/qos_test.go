package kubelet_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func amounts(cpu, memory string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory} {
		if text != "" {
			list[name] = resource.MustParse(text)
		}
	}
	return list
}

func TestCgroupsOfPods(t *testing.T) {
	for name, c := range map[string]struct {
		class      corev1.PodQOSClass
		containers []corev1.ResourceRequirements
		pod        *corev1.ResourceRequirements
		want       string
	}{
		"guaranteed": {
			class: corev1.PodQOSGuaranteed,
			containers: []corev1.ResourceRequirements{
				{Requests: amounts("250m", "64Mi"), Limits: amounts("250m", "64Mi")}, {Requests: amounts("250m", "64Mi"), Limits: amounts("250m", "64Mi")},
			},
			want: "/kubepods/poduid-of-web shares 512 quota 50000 memory 134217728",
		},
		"burstable": {
			class:      corev1.PodQOSBurstable,
			containers: []corev1.ResourceRequirements{{Requests: amounts("100m", ""), Limits: amounts("", "64Mi")}, {Requests: amounts("", ""), Limits: amounts("", "32Mi")}},
			want:       "/kubepods/burstable/poduid-of-web shares 102 quota 0 memory 100663296",
		},
		"burstable, one without limits": {
			class:      corev1.PodQOSBurstable,
			containers: []corev1.ResourceRequirements{{Requests: amounts("1", "64Mi"), Limits: amounts("2", "64Mi")}, {}},
			want:       "/kubepods/burstable/poduid-of-web shares 1024 quota 0 memory 0",
		},
		"limits of the pod itself": {
			class:      corev1.PodQOSBurstable,
			containers: []corev1.ResourceRequirements{{}, {}},
			pod:        &corev1.ResourceRequirements{Requests: amounts("500m", ""), Limits: amounts("1", "96Mi")},
			want:       "/kubepods/burstable/poduid-of-web shares 512 quota 100000 memory 100663296",
		},
		"best effort": {
			class: corev1.PodQOSBestEffort, containers: []corev1.ResourceRequirements{{}},
			want: "/kubepods/besteffort/poduid-of-web shares 2 quota 0 memory 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.put(newPod("web", func(pod *corev1.Pod) {
					pod.Status.QOSClass, pod.Spec.Resources = c.class, c.pod
					for i, r := range c.containers {
						if i > 0 {
							pod.Spec.Containers = append(pod.Spec.Containers, *pod.Spec.Containers[0].DeepCopy())
							pod.Spec.Containers[i].Name = fmt.Sprint("c", i)
						}
						pod.Spec.Containers[i].Resources = r
					}
				}))
				synctest.Wait()
				w.runtime.mu.Lock()
				defer w.runtime.mu.Unlock()
				if diff := cmp.Diff([]string{c.want}, w.runtime.parents); diff != "" {
					t.Errorf("cgroup (-want +got):\n%s", diff)
				}
			})
		})
	}
}
