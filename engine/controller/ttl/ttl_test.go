package ttl_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/ttl"
)

func TestGrowsWithTheCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := context.Background(), controllertest.New(t)
		tc, err := ttl.New(c.Config())
		if err != nil {
			t.Fatal(err)
		}
		c.Start(tc)
		nodes := c.Client.CoreV1().Nodes()
		want := func(i int, seconds string) {
			t.Helper()
			c.Settle()
			n, err := nodes.Get(ctx, fmt.Sprintf("node-%d", i), metav1.GetOptions{})
			if err != nil || n.Annotations["node.alpha.kubernetes.io/ttl"] != seconds {
				t.Errorf("node %d has %v, %v; want %s", i, n.Annotations, err, seconds)
			}
		}
		for i := range 101 {
			if _, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i)}}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			c.Settle()
		}
		want(0, "0") // until its next heartbeat
		want(100, "15")
		if err := nodes.Delete(ctx, "node-5", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		n, err := nodes.Get(ctx, "node-0", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n.Labels = map[string]string{"beat": "1"}
		if _, err := nodes.Update(ctx, n, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		want(0, "15") // one node less does not undo the step
	})
}
