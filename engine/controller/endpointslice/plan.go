package endpointslice

import (
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
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// sliceSize is the most endpoints in one slice.
const sliceSize = 100

// changes are what has to be done to the slices of a Service.
type changes struct {
	create, update []*discoveryv1.EndpointSlice
	remove         []*discoveryv1.EndpointSlice
}

// plan computes the changes that turn the present slices into the wanted groups. It changes none of its arguments.
func plan(svc *corev1.Service, present []*discoveryv1.EndpointSlice, groups map[string]*group) changes {
	byID := map[string][]*discoveryv1.EndpointSlice{}
	for _, slice := range present {
		key := id(slice.AddressType, slice.Ports)
		byID[key] = append(byID[key], slice)
	}
	for _, family := range families(svc) {
		addPlaceholder(groups, family)
	}
	var all changes
	for key, g := range groups {
		all.add(g.fill(svc, byID[key]))
		delete(byID, key)
	}
	for _, stale := range byID {
		all.remove = append(all.remove, stale...)
	}
	return all
}

// addPlaceholder makes sure that there is a group of each family: a Service without pods has one slice without endpoints,
// so that who follows the slices can tell "none" from "not yet".
func addPlaceholder(groups map[string]*group, family discoveryv1.AddressType) {
	for _, g := range groups {
		if g.family == family {
			return
		}
	}
	groups[id(family, nil)] = &group{family: family}
}

func (c *changes) add(other changes) {
	c.create = append(c.create, other.create...)
	c.update = append(c.update, other.update...)
	c.remove = append(c.remove, other.remove...)
}

// fill puts the group's endpoints into its slices: those that are in one already stay there.
func (g *group) fill(svc *corev1.Service, present []*discoveryv1.EndpointSlice) changes {
	slices.SortFunc(present, func(a, b *discoveryv1.EndpointSlice) int { return strings.Compare(a.Name, b.Name) })
	fresh := map[types.UID]discoveryv1.Endpoint{}
	for _, e := range g.endpoints {
		fresh[e.TargetRef.UID] = e
	}
	kept := make([][]discoveryv1.Endpoint, len(present))
	for i, slice := range present {
		for _, e := range slice.Endpoints {
			if e.TargetRef == nil {
				continue
			}
			if wanted, ok := fresh[e.TargetRef.UID]; ok {
				kept[i] = append(kept[i], wanted)
				delete(fresh, e.TargetRef.UID)
			}
		}
	}
	waiting := slices.DeleteFunc(slices.Clone(g.endpoints), func(e discoveryv1.Endpoint) bool {
		_, homeless := fresh[e.TargetRef.UID]
		return !homeless
	})
	for i := range kept {
		n := min(sliceSize-len(kept[i]), len(waiting))
		kept[i] = append(kept[i], waiting[:n]...)
		waiting = waiting[n:]
	}
	return g.diff(svc, present, kept, waiting)
}

// diff compares the slices with what they should hold; what is waiting goes into new ones.
func (g *group) diff(svc *corev1.Service, present []*discoveryv1.EndpointSlice, kept [][]discoveryv1.Endpoint, waiting []discoveryv1.Endpoint) changes {
	var c changes
	left := 0
	for i, slice := range present {
		if len(kept[i]) == 0 && (len(g.endpoints) > 0 || left > 0) {
			c.remove = append(c.remove, slice)
			continue
		}
		left++
		want := g.slice(svc, kept[i])
		if !equality.Semantic.DeepEqual(slice.Endpoints, want.Endpoints) || !maps.Equal(slice.Labels, want.Labels) {
			changed := slice.DeepCopy()
			changed.Endpoints, changed.Labels = want.Endpoints, want.Labels
			c.update = append(c.update, changed)
		}
	}
	for chunk := range slices.Chunk(waiting, sliceSize) {
		c.create = append(c.create, g.slice(svc, chunk))
		left++
	}
	if left == 0 {
		c.create = append(c.create, g.slice(svc, nil))
	}
	return c
}

// slice is a new slice of the group. It has the Service's labels and our own.
func (g *group) slice(svc *corev1.Service, endpoints []discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	labels := maps.Clone(svc.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[discoveryv1.LabelServiceName], labels[discoveryv1.LabelManagedBy] = svc.Name, manager
	if delete(labels, corev1.IsHeadlessService); svc.Spec.ClusterIP == corev1.ClusterIPNone {
		labels[corev1.IsHeadlessService] = ""
	}
	if endpoints == nil {
		endpoints = []discoveryv1.Endpoint{}
	}
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: svc.Name + "-", Namespace: svc.Namespace, Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(svc, corev1.SchemeGroupVersion.WithKind("Service"))},
		},
		AddressType: g.family, Ports: g.ports, Endpoints: endpoints,
	}
}

// apply makes the changes: additions before removals, so that no endpoint is missing in between.
func (c *Controller) apply(ctx context.Context, svc *corev1.Service, todo changes) error {
	client, key := c.client.DiscoveryV1().EndpointSlices(svc.Namespace), controller.Key{Namespace: svc.Namespace, Name: svc.Name}
	c.expectations.ExpectCreations(key, len(todo.create))
	for i, slice := range todo.create {
		created, err := client.Create(ctx, slice, metav1.CreateOptions{})
		if err != nil {
			for range len(todo.create) - i {
				c.expectations.Created(key) // it will not be seen
			}
			if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
				return nil
			}
			return c.failed(svc, fmt.Errorf("create EndpointSlice: %w", err))
		}
		c.decide(svc, "Create", created)
	}
	for _, slice := range todo.update {
		updated, err := client.Update(ctx, slice, metav1.UpdateOptions{})
		if err != nil {
			return c.failed(svc, fmt.Errorf("update EndpointSlice %s: %w", slice.Name, err))
		}
		c.written.Wrote(updated)
		c.decide(svc, "Update", slice)
	}
	for _, slice := range todo.remove {
		err := client.Delete(ctx, slice.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return c.failed(svc, fmt.Errorf("delete EndpointSlice %s: %w", slice.Name, err))
		}
		c.decide(svc, "Delete", slice)
	}
	return nil
}

// failed says so on the Service, unless it is only that our copy was old.
func (c *Controller) failed(svc *corev1.Service, err error) error {
	if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		c.Warning(svc, "FailedToUpdateEndpointSlices", "Error updating Endpoint Slices for Service %s/%s: %v", svc.Namespace, svc.Name, err)
	}
	return err
}

func (c *Controller) decide(svc *corev1.Service, action string, slice *discoveryv1.EndpointSlice) {
	details := map[string]string{}
	for _, e := range slice.Endpoints {
		details[e.TargetRef.Name] = fmt.Sprintf("%s ready=%t serving=%t terminating=%t",
			e.Addresses[0], *e.Conditions.Ready, *e.Conditions.Serving, *e.Conditions.Terminating)
	}
	c.Decide(decision.Record{
		Object: controller.Refer("endpointslices", slice), Action: action, After: fmt.Sprintf("%d endpoints", len(slice.Endpoints)),
		Cause: controller.Refer("services", svc), Details: details,
	})
}
