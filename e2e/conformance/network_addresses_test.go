package conformance_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// addressesIn are the ready addresses of an Endpoints object.
func addressesIn(e *corev1.Endpoints) []string { //nolint:staticcheck // the suite asks for the old kind
	var all []string
	for _, s := range e.Subsets {
		for _, a := range s.Addresses {
			all = append(all, a.IP)
		}
	}
	return all
}

func TestMasterServiceHasEndpoints(t *testing.T) {
	r := enter(t)
	old := must(r.CoreV1().Endpoints("default").Get(r.ctx, "kubernetes", metav1.GetOptions{}))(r)
	slices := must(r.DiscoveryV1().EndpointSlices("default").List(r.ctx, labelled("kubernetes.io/service-name=kubernetes")))(r)
	if len(slices.Items) != 1 || len(addressesIn(old)) != 1 || slices.Items[0].Endpoints[0].Addresses[0] != addressesIn(old)[0] {
		r.Errorf("Endpoints %v, EndpointSlices %v", old.Subsets, slices.Items)
	}
}

// TestEndpointsFollowPods: also while no pod is selected, and gone with the Service.
func TestEndpointsFollowPods(t *testing.T) {
	r := enter(t)
	endpoints := r.CoreV1().Endpoints(r.ns)
	r.service("web")
	await(r, endpoints, "web", func(e *corev1.Endpoints) bool { return len(e.Subsets) == 0 }) //nolint:staticcheck // see above
	r.pod("web", server(web))
	address := r.awaitPod("web", ready).Status.PodIP
	await(r, endpoints, "web", func(e *corev1.Endpoints) bool { //nolint:staticcheck // see above
		return len(addressesIn(e)) == 1 && addressesIn(e)[0] == address
	})
	r.ok(r.pods().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	await(r, endpoints, "web", func(e *corev1.Endpoints) bool { return len(addressesIn(e)) == 0 }) //nolint:staticcheck // see above
	r.ok(r.services().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	gone[*corev1.Endpoints](r, endpoints, named("web")) //nolint:staticcheck // see above
}

func endpointsAt(r *room, name, address string) *corev1.Endpoints { //nolint:staticcheck // see above
	return &corev1.Endpoints{ //nolint:staticcheck // see above
		ObjectMeta: r.meta(name),
		Subsets: []corev1.EndpointSubset{{ //nolint:staticcheck // see above
			Addresses: []corev1.EndpointAddress{{IP: address}}, Ports: []corev1.EndpointPort{{Name: "http", Port: 80}},
		}},
	}
}

func TestEndpointsOperations(t *testing.T) {
	r := enter(t)
	endpoints := r.CoreV1().Endpoints(r.ns)
	lifecycle(r, endpoints, endpointsAt(r, "by-hand", "10.0.0.24"))
	collection(r, endpoints, func(name string) *corev1.Endpoints { return endpointsAt(r, name, "10.0.0.25") }) //nolint:staticcheck // see above
}

func TestEndpointsAreMirrored(t *testing.T) {
	r := enter(t)
	r.service("db", func(s *corev1.ServiceSpec) { s.Selector = nil })
	endpoints, of := r.CoreV1().Endpoints(r.ns), labelled("kubernetes.io/service-name=db")
	mirrored := func(address string) {
		r.Helper()
		awaitAll(r, r.slices(), of, func(all []*discoveryv1.EndpointSlice) bool {
			return len(all) == 1 && len(all[0].Endpoints) == 1 && all[0].Endpoints[0].Addresses[0] == address
		})
	}
	must(endpoints.Create(r.ctx, endpointsAt(r, "db", "10.1.2.3"), metav1.CreateOptions{}))(r)
	mirrored("10.1.2.3")
	change(r, endpoints, "db", func(e *corev1.Endpoints) { e.Subsets[0].Addresses[0].IP = "10.2.3.4" }) //nolint:staticcheck // see above
	mirrored("10.2.3.4")
	r.ok(endpoints.Delete(r.ctx, "db", metav1.DeleteOptions{}))
	gone[*discoveryv1.EndpointSlice](r, r.slices(), of)
}

func TestIPAddressOperations(t *testing.T) {
	r := enter(t)
	addresses := map[string]string{"lone": "192.0.2.7", "one": "192.0.2.8", "two": "192.0.2.9", "three": "192.0.2.10"}
	make := func(name string) *networkingv1.IPAddress {
		return &networkingv1.IPAddress{ObjectMeta: metav1.ObjectMeta{Name: addresses[name]}, Spec: networkingv1.IPAddressSpec{
			ParentRef: &networkingv1.ParentReference{Group: "test.example", Resource: "foos", Name: name, Namespace: r.ns},
		}}
	}
	lifecycle(r, r.NetworkingV1().IPAddresses(), make("lone"))
	collection(r, r.NetworkingV1().IPAddresses(), make)
}

// TestServiceCIDROperations: a range becomes Ready, takes a status, and goes when it is deleted, because nothing lies in it.
func TestServiceCIDROperations(t *testing.T) {
	r := enter(t)
	cidrs := r.NetworkingV1().ServiceCIDRs()
	if all := must(cidrs.List(r.ctx, metav1.ListOptions{}))(r); len(all.Items) == 0 {
		r.Error("there is no ServiceCIDR")
	}
	name := r.ns + "-range"
	must(cidrs.Create(r.ctx, &networkingv1.ServiceCIDR{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"all": r.ns}}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"198.51.100.0/24"}},
	}, metav1.CreateOptions{}))(r)
	await(r, cidrs, name, func(c *networkingv1.ServiceCIDR) bool {
		return meta.IsStatusConditionTrue(c.Status.Conditions, "Ready")
	})
	if got := patch(r, cidrs, name, label("step", "patched")); got.Labels["step"] != "patched" {
		r.Errorf("labels after the patch: %v", got.Labels)
	}
	change(r, cidrs, name, func(c *networkingv1.ServiceCIDR) { c.Annotations = map[string]string{"step": "updated"} })
	told := must(cidrs.Get(r.ctx, name, metav1.GetOptions{}))(r)
	meta.SetStatusCondition(&told.Status.Conditions, metav1.Condition{Type: "Told", Status: "True", Reason: "E2E", Message: "set"})
	must(cidrs.UpdateStatus(r.ctx, told, metav1.UpdateOptions{}))(r)
	r.ok(cidrs.DeleteCollection(r.ctx, metav1.DeleteOptions{}, labelled("all="+r.ns)))
	gone[*networkingv1.ServiceCIDR](r, cidrs, named(name))
}
