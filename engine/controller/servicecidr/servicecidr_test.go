package servicecidr_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/servicecidr"
)

var ctx = context.Background()

func cidr(name, prefix string, mends ...func(*networkingv1.ServiceCIDR)) *networkingv1.ServiceCIDR {
	c := &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{prefix}}}
	for _, mend := range mends {
		mend(c)
	}
	return c
}

func deleted(c *networkingv1.ServiceCIDR) {
	now := metav1.Now()
	c.DeletionTimestamp, c.Finalizers = &now, []string{"networking.k8s.io/service-cidr-finalizer"}
}

func service(name, address string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: address, ClusterIPs: []string{address}},
	}
}

func start(t *testing.T, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t, objects...)
	sc, err := servicecidr.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(sc)
	return c
}

// world is "address parent" of each IPAddress and "range status reason finalizers" of each ServiceCIDR.
func world(t *testing.T, c *controllertest.Cluster) []string {
	t.Helper()
	c.Settle()
	addresses, err := c.Client.NetworkingV1().IPAddresses().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, a := range addresses.Items {
		texts = append(texts, a.Name+" "+a.Spec.ParentRef.Name)
	}
	cidrs, err := c.Client.NetworkingV1().ServiceCIDRs().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cidrs.Items {
		text := r.Name
		for _, condition := range r.Status.Conditions {
			text += fmt.Sprintf(" %s=%s %s", condition.Type, condition.Status, condition.Reason)
		}
		texts = append(texts, fmt.Sprintf("%s %d finalizers", text, len(r.Finalizers)))
	}
	return texts
}

func want(t *testing.T, c *controllertest.Cluster, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, world(t, c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAddressesFollowServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := &networkingv1.IPAddress{
			ObjectMeta: metav1.ObjectMeta{Name: "10.96.0.50"},
			Spec:       networkingv1.IPAddressSpec{ParentRef: &networkingv1.ParentReference{Resource: "gateways", Name: "theirs"}},
		}
		c := start(t, service("web", "10.96.0.7"), service("headless", corev1.ClusterIPNone), theirs)
		want(t, c, "10.96.0.50 theirs", "10.96.0.7 web")
		if err := c.Client.NetworkingV1().IPAddresses().Delete(ctx, "10.96.0.7", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, c, "10.96.0.50 theirs", "10.96.0.7 web") // it is still web's
		if err := c.Client.CoreV1().Services("default").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, c, "10.96.0.50 theirs")
		if _, err := c.Client.CoreV1().Services("default").Create(ctx, service("next", "10.96.0.7"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, c, "10.96.0.50 theirs", "10.96.0.7 next")
	})
}

func TestRangesAreReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want(t, start(t, cidr("kubernetes", "10.96.0.0/16")), "kubernetes Ready=True  1 finalizers")
	})
}

// TestRangesOutliveTheirAddresses: one that is deleted stays as long as an address lies in it alone, and ten seconds more.
func TestRangesOutliveTheirAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, cidr("extra", "10.97.0.0/24", deleted), service("web", "10.97.0.7"))
		want(t, c, "10.97.0.7 web", "extra Ready=False Terminating 1 finalizers")
		if err := c.Client.CoreV1().Services("default").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		want(t, c, "extra Ready=False Terminating 1 finalizers")
		c.Advance(11 * time.Second)
		if got := world(t, c); len(got) == 1 && got[0] != "extra Ready=False Terminating 0 finalizers" {
			t.Errorf("got %q", got)
		}
	})
}

// TestRangesWithinOthers: the addresses of one that lies in another do not keep it.
func TestRangesWithinOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, cidr("all", "10.96.0.0/12"), cidr("part", "10.97.0.0/24", deleted), service("web", "10.97.0.7"))
		c.Advance(11 * time.Second)
		for _, text := range world(t, c) {
			if text == "part 1 finalizers" {
				t.Errorf("kept: %q", text)
			}
		}
	})
}
