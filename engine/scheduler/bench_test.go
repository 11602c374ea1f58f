package scheduler_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/controller/controllertest"
)

// BenchmarkSchedule is pods that exist before the scheduler starts, until the last one has a node. The API server is the
// one of controllertest, whose work is in the figure.
func BenchmarkSchedule(b *testing.B) {
	for _, nodes := range []int{100, 1000} {
		b.Run(fmt.Sprintf("%d nodes", nodes), func(b *testing.B) {
			var objects []runtime.Object
			for i := range nodes {
				objects = append(objects, newNode(fmt.Sprintf("node-%04d", i), func(n *corev1.Node) {
					n.Status.Allocatable = quantities("64", "256Gi")
					n.Status.Allocatable[corev1.ResourcePods] = resource.MustParse("100000")
				}))
			}
			c := controllertest.New(b, objects...)
			w, err := c.Client.CoreV1().Pods("default").Watch(ctx, metav1.ListOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer w.Stop()
			for i := range b.N {
				create(b, c, newPod(fmt.Sprintf("p%d", i), requests("1m", "1Mi")))
			}
			b.ResetTimer()
			run(b, c)
			for bound := 0; bound < b.N; {
				if p, ok := (<-w.ResultChan()).Object.(*corev1.Pod); ok && p.Spec.NodeName != "" {
					bound++
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pods/s")
		})
	}
}
