package endpoints

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
)

// leaderAnnotation marks Endpoints that once served to elect a leader.
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader"

// mirror brings the mirrored slices in line with Endpoints that were written by hand; nil: there are to be none.
func (c *Controller) mirror(ctx context.Context, key controller.Key, from *object) error {
	present, err := c.slicesOf(key, mirrored)
	if err != nil {
		return err
	}
	if ok, wait := c.expectations.Satisfied(key); !ok {
		c.AddAfter(key, wait) // usually the slice's own event comes long before
		return nil
	}
	var want []*discoveryv1.EndpointSlice
	if from != nil && from.Labels[discoveryv1.LabelSkipMirror] != "true" && from.Annotations[leaderAnnotation] == "" {
		want = reflections(from)
	}
	var errs []error
	for _, slice := range present {
		at := slices.IndexFunc(want, func(w *discoveryv1.EndpointSlice) bool { return sameKind(slice, w) })
		if at < 0 {
			errs = append(errs, ignoreGone(c.client.DiscoveryV1().EndpointSlices(key.Namespace).Delete(ctx, slice.Name, metav1.DeleteOptions{})))
			continue
		}
		errs = append(errs, c.renew(ctx, slice, want[at]))
		want = slices.Delete(want, at, at+1)
	}
	c.expectations.ExpectCreations(key, len(want))
	for _, slice := range want {
		_, err := c.client.DiscoveryV1().EndpointSlices(key.Namespace).Create(ctx, slice, metav1.CreateOptions{})
		if err != nil {
			c.expectations.Created(key) // it will not be seen
			errs = append(errs, fmt.Errorf("mirror the Endpoints %s: %w", key, err))
		}
	}
	return errors.Join(errs...)
}

func sameKind(a, b *discoveryv1.EndpointSlice) bool {
	return a.AddressType == b.AddressType && equality.Semantic.DeepEqual(a.Ports, b.Ports)
}

// renew writes what has changed.
func (c *Controller) renew(ctx context.Context, slice, want *discoveryv1.EndpointSlice) error {
	if equality.Semantic.DeepEqual(slice.Endpoints, want.Endpoints) && maps.Equal(slice.Labels, want.Labels) {
		return nil
	}
	changed := slice.DeepCopy()
	changed.Endpoints, changed.Labels = want.Endpoints, want.Labels
	_, err := c.client.DiscoveryV1().EndpointSlices(slice.Namespace).Update(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return nil // the newer one is on its way here, and wakes us
	}
	return ignoreGone(err)
}

func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// reflections are the slices of an Endpoints object: one for each subset and family, of at most a thousand addresses.
func reflections(from *object) []*discoveryv1.EndpointSlice {
	var all []*discoveryv1.EndpointSlice
	for i := range from.Subsets {
		for _, family := range []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6} {
			endpoints := append(reflect(from.Subsets[i].Addresses, family, true), reflect(from.Subsets[i].NotReadyAddresses, family, false)...)
			if len(endpoints) == 0 {
				continue
			}
			slice := blank(from)
			slice.AddressType, slice.Endpoints = family, endpoints[:min(capacity, len(endpoints))]
			for _, p := range from.Subsets[i].Ports {
				slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &p.Name, Port: &p.Port, Protocol: &p.Protocol, AppProtocol: p.AppProtocol})
			}
			all = append(all, slice)
		}
	}
	return all
}

func blank(from *object) *discoveryv1.EndpointSlice {
	labels := maps.Clone(from.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[discoveryv1.LabelServiceName], labels[discoveryv1.LabelManagedBy] = from.Name, mirrored
	return &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{
		GenerateName: from.Name + "-", Namespace: from.Namespace, Labels: labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(from, corev1.SchemeGroupVersion.WithKind("Endpoints"))},
	}}
}

func reflect(addresses []address, family discoveryv1.AddressType, ready bool) []discoveryv1.Endpoint {
	var endpoints []discoveryv1.Endpoint
	for _, a := range addresses {
		ip, err := netip.ParseAddr(a.IP)
		if err != nil || ip.Is4() != (family == discoveryv1.AddressTypeIPv4) {
			continue
		}
		e := discoveryv1.Endpoint{
			Addresses: []string{a.IP}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}, NodeName: a.NodeName, TargetRef: a.TargetRef,
		}
		if a.Hostname != "" {
			e.Hostname = &a.Hostname
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
}
