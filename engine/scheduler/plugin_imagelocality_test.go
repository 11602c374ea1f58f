package scheduler_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestImageLocality(t *testing.T) {
	has := func(image string, bytes int64) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: []string{image}, SizeBytes: bytes})
		}
	}
	runs := func(image string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.Containers[0].Image = image }
	}
	used := newPod("x", on("b"), requests("250m", "500Mi"))
	decides(t, []decided{
		{
			name:    "where a large image is",
			objects: []runtime.Object{newNode("a"), newNode("b", has("db:latest", 1500<<20)), used},
			pod:     newPod("web", runs("db")), node: "b",
		},
		{
			name:    "a small image does not count",
			objects: []runtime.Object{newNode("a"), newNode("b", has("db:latest", 20<<20)), used},
			pod:     newPod("web", runs("db")), node: "a",
		},
	})
}
