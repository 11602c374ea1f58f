package api_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/api"
)

// BenchmarkCreatePod is what a create costs beside the store: defaults, validation, ownership.
func BenchmarkCreatePod(b *testing.B) {
	r := resource(b, "pods")
	fields, err := r.FieldManager("")
	if err != nil {
		b.Fatal(err)
	}
	pod := manifest(b, r, goodPod)
	for b.Loop() {
		obj := fields.UpdateNoErrors(r.New(), pod.DeepCopyObject(), "bench")
		if _, err := r.BeforeCreate("default", obj); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPodStatus is what a kubelet's status write costs beside the store.
func BenchmarkPodStatus(b *testing.B) {
	r := resource(b, "pods")
	fields, err := r.FieldManager("status")
	if err != nil {
		b.Fatal(err)
	}
	live := stored(b, r, goodPod).(*corev1.Pod)
	live.ResourceVersion = "1"
	for b.Loop() {
		changed := live.DeepCopy()
		changed.Status.PodIP = "10.244.1.5"
		r.Default(changed)
		obj := fields.UpdateNoErrors(live, changed, "bench")
		if _, err := r.BeforeUpdate("default", "status", obj, live); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSelectableFields(b *testing.B) {
	r := resource(b, "pods")
	pod := stored(b, r, goodPod)
	for b.Loop() {
		if _, err := r.SelectableFields(pod); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTableOfThousand(b *testing.B) {
	r := resource(b, "configmaps")
	list := &corev1.ConfigMapList{Items: make([]corev1.ConfigMap, 1000)}
	for b.Loop() {
		if _, err := r.Table(list, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	pod := manifest(b, resource(b, "pods"), goodPod)
	for _, info := range api.Serializers() {
		body, err := api.Encode(pod, podKind, info)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(info.MediaTypeSubType, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := api.Decode(body, info.MediaType, podKind, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
