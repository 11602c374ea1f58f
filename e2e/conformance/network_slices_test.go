package conformance_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	discoveryv1client "k8s.io/client-go/kubernetes/typed/discovery/v1"
)

func (r *room) slices() discoveryv1client.EndpointSliceInterface {
	return r.DiscoveryV1().EndpointSlices(r.ns)
}

// slice is one that somebody writes by hand for a Service.
func (r *room) slice(service, suffix, portName string, number int32, addresses ...string) *discoveryv1.EndpointSlice {
	r.Helper()
	yes := true
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: service + suffix, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: &portName, Port: &number}},
	}
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}, Conditions: discoveryv1.EndpointConditions{Ready: &yes}})
	}
	return must(r.slices().Create(r.ctx, s, metav1.CreateOptions{}))(r)
}

func TestEndpointSliceFollowsItsPods(t *testing.T) {
	r := enter(t)
	r.service("web")
	of := labelled("kubernetes.io/service-name=web")
	count := func(n int) {
		r.Helper()
		awaitAll(r, r.slices(), of, func(all []*discoveryv1.EndpointSlice) bool {
			found := 0
			for _, s := range all {
				found += len(s.Endpoints)
			}
			return len(all) > 0 && found == n
		})
	}
	count(0)
	r.pod("web", server(web))
	count(1)
	r.ok(r.pods().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	count(0)
	r.ok(r.services().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	gone[*discoveryv1.EndpointSlice](r, r.slices(), of)
}

// TestEndpointSlicesByHand: a Service without a selector leads where the slices of whoever wrote them say, each with its addresses
// and its ports.
func TestEndpointSlicesByHand(t *testing.T) {
	r := enter(t)
	r.pod("one", server(web))
	r.pod("two", server(web2))
	one, two := r.awaitPod("one", ready).Status.PodIP, r.awaitPod("two", ready).Status.PodIP
	r.service("web", func(s *corev1.ServiceSpec) {
		s.Selector = nil
		s.Ports = append(s.Ports, corev1.ServicePort{Name: "second", Port: 81, TargetPort: port(8080)})
	})
	r.client()
	r.slice("web", "-a", "http", 8080, one)
	r.slice("web", "-b", "second", 8080, two)
	r.finds("http://web/version", "1")
	r.finds("http://web:81/version", "2")
	r.slice("web", "-c", "http", 8080, two)
	r.finds("http://web/version", "2") // now and then, which is enough
	r.finds("http://web/version", "1")
}

func TestEndpointSliceOperations(t *testing.T) {
	r := enter(t)
	lifecycle(r, r.slices(), &discoveryv1.EndpointSlice{ObjectMeta: r.meta("by-hand"), AddressType: discoveryv1.AddressTypeIPv4})
	collection(r, r.slices(), func(name string) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{ObjectMeta: r.meta(name), AddressType: discoveryv1.AddressTypeIPv4}
	})
}
