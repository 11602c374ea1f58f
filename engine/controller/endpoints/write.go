package endpoints

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
)

//nolint:staticcheck // this file is about a deprecated kind
type (
	object  = corev1.Endpoints
	subset  = corev1.EndpointSubset
	address = corev1.EndpointAddress
	port    = corev1.EndpointPort
)

// capacity is the most addresses in one Endpoints object; more are cut off, and an annotation says so.
const capacity = 1000

// write brings the Endpoints of a Service in line with its slices.
func (c *Controller) write(ctx context.Context, svc *corev1.Service, present *object) error {
	key := controller.Key{Namespace: svc.Namespace, Name: svc.Name}
	list, err := c.slicesOf(key, fromPods)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return nil // not computed yet: a Service without pods has one slice that is empty
	}
	want := &object{ObjectMeta: metav1.ObjectMeta{Namespace: svc.Namespace, Name: svc.Name}}
	if present != nil {
		want = present.DeepCopy()
	}
	want.Labels = labelsOf(svc)
	want.Subsets = truncate(want, subsets(svc, list))
	if present != nil && equality.Semantic.DeepEqual(present, want) {
		return nil
	}
	var done *object
	if present == nil {
		done, err = c.client.CoreV1().Endpoints(svc.Namespace).Create(ctx, want, metav1.CreateOptions{})
	} else {
		done, err = c.client.CoreV1().Endpoints(svc.Namespace).Update(ctx, want, metav1.UpdateOptions{})
	}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || apierrors.IsNotFound(err):
		return nil
	case apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err):
		return nil // the newer one is on its way here, and wakes us
	case err != nil:
		c.Warning(svc, "FailedToUpdateEndpoint", "Failed to update endpoint %s: %v", key, err)
		return fmt.Errorf("write the Endpoints %s: %w", key, err)
	}
	c.written.Wrote(done)
	return nil
}

func labelsOf(svc *corev1.Service) map[string]string {
	labels := maps.Clone(svc.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[managedBy] = ours
	if delete(labels, corev1.IsHeadlessService); svc.Spec.ClusterIP == corev1.ClusterIPNone {
		labels[corev1.IsHeadlessService] = ""
	}
	return labels
}

// subsets puts together what has the same ports, ordered by them, the addresses in order. Pods that end are left out, but where not-ready addresses are
// asked for.
func subsets(svc *corev1.Service, list []*discoveryv1.EndpointSlice) []subset {
	byPorts := map[string]*subset{}
	for _, slice := range list {
		if slice.AddressType == discoveryv1.AddressTypeIPv6 && !onlyIPv6(svc) {
			continue // Endpoints have one family: the Service's first
		}
		ports, id := portsOf(slice)
		for i := range slice.Endpoints {
			e := &slice.Endpoints[i]
			ending := e.Conditions.Terminating != nil && *e.Conditions.Terminating
			if len(e.Addresses) == 0 || ending && !svc.Spec.PublishNotReadyAddresses {
				continue
			}
			s := byPorts[id]
			if s == nil {
				s = &subset{Ports: ports}
				byPorts[id] = s
			}
			if a := addressOf(e); e.Conditions.Ready == nil || *e.Conditions.Ready {
				s.Addresses = append(s.Addresses, a)
			} else {
				s.NotReadyAddresses = append(s.NotReadyAddresses, a)
			}
		}
	}
	var all []subset
	for _, id := range slices.Sorted(maps.Keys(byPorts)) {
		s := *byPorts[id]
		slices.SortFunc(s.Addresses, byIP)
		slices.SortFunc(s.NotReadyAddresses, byIP)
		all = append(all, s)
	}
	return all
}

func onlyIPv6(svc *corev1.Service) bool {
	return len(svc.Spec.IPFamilies) > 0 && svc.Spec.IPFamilies[0] == corev1.IPv6Protocol
}

func byIP(a, b address) int { return strings.Compare(a.IP, b.IP) }

func addressOf(e *discoveryv1.Endpoint) address {
	a := address{IP: e.Addresses[0], NodeName: e.NodeName, TargetRef: e.TargetRef}
	if e.Hostname != nil {
		a.Hostname = *e.Hostname
	}
	return a
}

// portsOf are a slice's ports, sorted by name, and a text that is the same for the same ports.
func portsOf(slice *discoveryv1.EndpointSlice) ([]port, string) {
	var ports []port
	for _, p := range slice.Ports {
		one := port{Protocol: corev1.ProtocolTCP, AppProtocol: p.AppProtocol}
		if p.Name != nil {
			one.Name = *p.Name
		}
		if p.Port != nil {
			one.Port = *p.Port
		}
		if p.Protocol != nil {
			one.Protocol = *p.Protocol
		}
		ports = append(ports, one)
	}
	slices.SortFunc(ports, func(a, b port) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Port, b.Port)) })
	var id strings.Builder
	for _, p := range ports {
		fmt.Fprintf(&id, "%s/%s/%d,", p.Name, p.Protocol, p.Port)
	}
	return ports, id.String()
}

// truncate cuts what is over the capacity, the not-ready ones first, and says so on the object.
func truncate(on *object, all []subset) []subset {
	ready, waiting := 0, 0
	for _, s := range all {
		ready, waiting = ready+len(s.Addresses), waiting+len(s.NotReadyAddresses)
	}
	if ready+waiting <= capacity {
		delete(on.Annotations, corev1.EndpointsOverCapacity)
		return all
	}
	if on.Annotations == nil {
		on.Annotations = map[string]string{}
	}
	on.Annotations[corev1.EndpointsOverCapacity] = "truncated"
	left := capacity
	for i := range all {
		n := min(left, len(all[i].Addresses))
		all[i].Addresses, left = all[i].Addresses[:n], left-n
	}
	for i := range all {
		n := min(left, len(all[i].NotReadyAddresses))
		all[i].NotReadyAddresses, left = all[i].NotReadyAddresses[:n], left-n
	}
	return slices.DeleteFunc(all, func(s subset) bool { return len(s.Addresses)+len(s.NotReadyAddresses) == 0 })
}
