package servicecidr

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// allocator is upstream's name for who writes IPAddresses; those of others are left alone.
const allocator = "ipallocator.k8s.io"

// reconcileAddress makes the IPAddress of an address say who has it.
func (c *Controller) reconcileAddress(ctx context.Context, address string) error {
	holders, err := c.services.ByIndex(byAddress, address)
	if err != nil {
		return err
	}
	present, err := c.addresses.Get(address)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err != nil {
		present = nil
	}
	client := c.client.NetworkingV1().IPAddresses()
	switch {
	case present != nil && present.Labels[networkingv1.LabelManagedBy] != allocator:
		return nil
	case len(holders) == 0 && present == nil:
		return nil
	case len(holders) == 0 || present != nil && !parentOf(present, holders[0].(*corev1.Service)):
		// Another holder's is written when this one's end has come back: a parent cannot be changed.
		err := client.Delete(ctx, address, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &present.UID}})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("delete the IPAddress %s: %w", address, err)
		}
		return nil
	case present != nil:
		return nil
	}
	if _, err := client.Create(ctx, newAddress(address, holders[0].(*corev1.Service)), metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create the IPAddress %s: %w", address, err)
	}
	return nil
}

func parentOf(address *networkingv1.IPAddress, svc *corev1.Service) bool {
	p := address.Spec.ParentRef
	return p != nil && p.Namespace == svc.Namespace && p.Name == svc.Name
}

func newAddress(address string, svc *corev1.Service) *networkingv1.IPAddress {
	family := corev1.IPv4Protocol
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() {
		family = corev1.IPv6Protocol
	}
	return &networkingv1.IPAddress{
		ObjectMeta: metav1.ObjectMeta{Name: address, Labels: map[string]string{
			networkingv1.LabelIPAddressFamily: string(family), networkingv1.LabelManagedBy: allocator,
		}},
		Spec: networkingv1.IPAddressSpec{ParentRef: &networkingv1.ParentReference{Resource: "services", Namespace: svc.Namespace, Name: svc.Name}},
	}
}
