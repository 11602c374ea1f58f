package endpoints_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/endpoints"
)

var ctx = context.Background()

func service(selector map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Labels: map[string]string{"team": "a"}},
		Spec:       corev1.ServiceSpec{ClusterIP: "10.96.0.7", Selector: selector, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

// slice has one endpoint for each letter: r ready, n not, t terminating.
func slice(name string, port int32, letters string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{
			discoveryv1.LabelServiceName: "web", discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io",
		}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: ptr.To(""), Port: &port, Protocol: ptr.To(corev1.ProtocolTCP)}},
	}
	for i, letter := range letters {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{fmt.Sprintf("10.244.%d.%d", port-8080, len(letters)-i)},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(letter == 'r'), Terminating: ptr.To(letter == 't')},
		})
	}
	return s
}

func start(t *testing.T, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t, objects...)
	ec, err := endpoints.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(ec)
	c.Settle()
	return c
}

// subsets are "ready|not ready|ports" of the Endpoints web.
func subsets(t *testing.T, c *controllertest.Cluster) []string {
	t.Helper()
	c.Advance(time.Second)
	got, err := c.Client.CoreV1().Endpoints("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range got.Items {
		for _, s := range e.Subsets {
			text := ""
			for _, a := range s.Addresses {
				text += a.IP + " "
			}
			text += "|"
			for _, a := range s.NotReadyAddresses {
				text += " " + a.IP
			}
			texts = append(texts, fmt.Sprintf("%s| %d", text, s.Ports[0].Port))
		}
		texts = append(texts, fmt.Sprint(e.Labels))
	}
	return texts
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWritesWhatSlicesSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, service(map[string]string{"app": "web"}), slice("web-1", 8080, "rrnt"), slice("web-2", 8081, "r"))
		labels := "map[endpoints.kubernetes.io/managed-by:endpoint-controller team:a]"
		want(t, subsets(t, c), "10.244.0.3 10.244.0.4 | 10.244.0.2| 8080", "10.244.1.1 || 8081", labels)

		if _, err := c.Client.DiscoveryV1().EndpointSlices("default").Update(ctx, slice("web-1", 8080, "n"), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, subsets(t, c), "| 10.244.0.1| 8080", "10.244.1.1 || 8081", labels)

		if err := c.Client.CoreV1().Services("default").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, subsets(t, c))
	})
}

// byHand is what people wrote before there were slices.
func byHand(labels map[string]string) *corev1.Endpoints { //nolint:staticcheck // it is what this is about
	return &corev1.Endpoints{ //nolint:staticcheck // see above
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "u", Labels: labels},
		Subsets: []corev1.EndpointSubset{{ //nolint:staticcheck // see above
			Addresses:         []corev1.EndpointAddress{{IP: "192.0.2.1"}, {IP: "2001:db8::1"}},
			NotReadyAddresses: []corev1.EndpointAddress{{IP: "192.0.2.2"}},
			Ports:             []corev1.EndpointPort{{Port: 5432, Protocol: corev1.ProtocolTCP}},
		}},
	}
}

// mirrors are "family address ready" of the mirrored slices, sorted.
func mirrors(t *testing.T, c *controllertest.Cluster) []string {
	t.Helper()
	c.Settle()
	got, err := c.Client.DiscoveryV1().EndpointSlices("default").List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelManagedBy + "=endpointslicemirroring-controller.k8s.io," + discoveryv1.LabelServiceName + "=web",
	})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, s := range got.Items {
		for _, e := range s.Endpoints {
			texts = append(texts, fmt.Sprintf("%s %s %t %d %s", s.AddressType, e.Addresses[0], *e.Conditions.Ready, *s.Ports[0].Port, s.OwnerReferences[0].Name))
		}
	}
	slices.Sort(texts)
	return texts
}

func TestMirrorsWhatIsWrittenByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, service(nil), byHand(nil))
		want(t, mirrors(t, c), "IPv4 192.0.2.1 true 5432 web", "IPv4 192.0.2.2 false 5432 web", "IPv6 2001:db8::1 true 5432 web")

		fewer := byHand(nil)
		fewer.Subsets[0].Addresses = fewer.Subsets[0].Addresses[:1]
		fewer.Subsets[0].NotReadyAddresses = nil
		if _, err := c.Client.CoreV1().Endpoints("default").Update(ctx, fewer, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, mirrors(t, c), "IPv4 192.0.2.1 true 5432 web")

		skipped := byHand(map[string]string{discoveryv1.LabelSkipMirror: "true"})
		if _, err := c.Client.CoreV1().Endpoints("default").Update(ctx, skipped, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, mirrors(t, c))
	})
}

// TestEndpointsOfNobody: without a Service they are left alone, and not mirrored.
func TestEndpointsOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, byHand(nil))
		want(t, mirrors(t, c))
		want(t, subsets(t, c), "192.0.2.1 2001:db8::1 | 192.0.2.2| 5432", "map[]")
	})
}
