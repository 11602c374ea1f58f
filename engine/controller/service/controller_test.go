package service_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/service"
)

var ctx = context.Background()

func node(name string, ready corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}},
	}
}

func balancer(name string, mends ...func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ClusterIP: "10.96.0.7", Ports: []corev1.ServicePort{{Port: 80}}},
	}
	for _, mend := range mends {
		mend(s)
	}
	return s
}

func start(t *testing.T, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t, objects...)
	sc, err := service.New(c.Config(), netip.MustParseAddr("172.30.0.200"), netip.MustParseAddr("172.30.0.201"))
	if err != nil {
		t.Fatal(err)
	}
	c.Start(sc)
	c.Settle()
	return c
}

// balancers are "address node" by Service.
func balancers(t *testing.T, c *controllertest.Cluster) map[string]string {
	t.Helper()
	c.Settle()
	list, err := c.Client.CoreV1().Services("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range list.Items {
		text := ""
		for _, in := range s.Status.LoadBalancer.Ingress {
			text += in.IP
		}
		got[s.Name] = text + " " + s.Annotations["drydock.dev/announced-by"]
	}
	return got
}

func want(t *testing.T, c *controllertest.Cluster, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, balancers(t, c)); diff != "" {
		t.Errorf("balancers (-want +got):\n%s", diff)
	}
}

func TestGivesEachAnAddressAndANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := "other"
		c := start(t, node("node-1", "True"), balancer("a"), balancer("b"),
			balancer("theirs", func(s *corev1.Service) { s.Spec.LoadBalancerClass = &other }),
			balancer("plain", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }))
		got := balancers(t, c)
		if got["a"] == got["b"] || got["theirs"] != " " || got["plain"] != " " {
			t.Errorf("got %v", got)
		}
		// The pool is empty now: a third waits until one goes.
		if _, err := c.Client.CoreV1().Services("default").Create(ctx, balancer("c"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := balancers(t, c); got["c"] != " " {
			t.Errorf("a third of two addresses: %v", got)
		}
		if err := c.Client.CoreV1().Services("default").Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if after := balancers(t, c); after["c"] != got["a"] {
			t.Errorf("the freed address was %q; now there are %v", got["a"], after)
		}
	})
}

func TestMovesWhenItsNodeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, node("node-1", "True"), node("node-2", "Unknown"), balancer("a"))
		want(t, c, map[string]string{"a": "172.30.0.200 node-1"})
		for _, n := range []*corev1.Node{node("node-2", "True"), node("node-1", "Unknown")} {
			if _, err := c.Client.CoreV1().Nodes().UpdateStatus(ctx, n, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			c.Settle()
		}
		want(t, c, map[string]string{"a": "172.30.0.200 node-2"})
	})
}

func TestLocalPolicyNeedsAnEndpointThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there := "node-2"
		slice := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a-1", Labels: map[string]string{discoveryv1.LabelServiceName: "a"}},
			Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.244.2.2"}, NodeName: &there}},
		}
		c := start(t, node("node-1", "True"), node("node-2", "True"), slice, balancer("a", func(s *corev1.Service) {
			s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
		}))
		want(t, c, map[string]string{"a": "172.30.0.200 node-2"})
	})
}

func TestWishesAndChangesOfType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, node("node-1", "True"),
			balancer("a", func(s *corev1.Service) { s.Spec.LoadBalancerIP = "172.30.0.201" }),
			balancer("far", func(s *corev1.Service) { s.Spec.LoadBalancerIP = "192.0.2.1" }))
		want(t, c, map[string]string{"a": "172.30.0.201 node-1", "far": " "})
		svc, err := c.Client.CoreV1().Services("default").Get(ctx, "a", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		svc.Spec.Type = corev1.ServiceTypeClusterIP
		if _, err := c.Client.CoreV1().Services("default").Update(ctx, svc, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, c, map[string]string{"a": " ", "far": " "})
	})
}
