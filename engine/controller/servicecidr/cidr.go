package servicecidr

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// finalizer keeps a range until no address needs it.
const finalizer = "networking.k8s.io/service-cidr-finalizer"

// grace is how long a range without addresses stays: an address may have been taken from it in the same moment.
const grace = 10 * time.Second

func (c *Controller) reconcileCIDR(ctx context.Context, i item) error {
	cidr, err := c.cidrs.Get(i.cidr)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if cidr.DeletionTimestamp == nil {
		if !slices.Contains(cidr.Finalizers, finalizer) {
			if err := c.setFinalizers(ctx, cidr, append(slices.Clone(cidr.Finalizers), finalizer)); err != nil {
				return err
			}
		}
		return c.say(ctx, cidr, metav1.Condition{
			Type: networkingv1.ServiceCIDRConditionReady, Status: metav1.ConditionTrue, Message: "Kubernetes Service CIDR is ready",
		})
	}
	if !slices.Contains(cidr.Finalizers, finalizer) {
		return nil
	}
	needed, err := c.needed(cidr)
	if err != nil {
		return err
	}
	if needed {
		return c.say(ctx, cidr, metav1.Condition{
			Type: networkingv1.ServiceCIDRConditionReady, Status: metav1.ConditionFalse, Reason: networkingv1.ServiceCIDRReasonTerminating,
			Message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
		})
	}
	if left := grace - time.Since(cidr.DeletionTimestamp.Time); left > 0 {
		c.AddAfter(i, left)
		return nil
	}
	return c.setFinalizers(ctx, cidr, slices.DeleteFunc(slices.Clone(cidr.Finalizers), func(f string) bool { return f == finalizer }))
}

// needed tells whether an address lies in this range and in no other that stays.
func (c *Controller) needed(cidr *networkingv1.ServiceCIDR) (bool, error) {
	others, err := c.cidrs.List(labels.Everything())
	if err != nil {
		return false, err
	}
	others = slices.DeleteFunc(slices.Clone(others), func(o *networkingv1.ServiceCIDR) bool { return o.Name == cidr.Name || o.DeletionTimestamp != nil })
	addresses, err := c.addresses.List(labels.SelectorFromSet(labels.Set{networkingv1.LabelManagedBy: allocator}))
	if err != nil {
		return false, err
	}
	for _, a := range addresses {
		ip, err := netip.ParseAddr(a.Name)
		if err == nil && contains(cidr, ip) && !slices.ContainsFunc(others, func(o *networkingv1.ServiceCIDR) bool { return contains(o, ip) }) {
			return true, nil
		}
	}
	return false, nil
}

func contains(cidr *networkingv1.ServiceCIDR, ip netip.Addr) bool {
	return slices.ContainsFunc(cidr.Spec.CIDRs, func(text string) bool {
		prefix, err := netip.ParsePrefix(text)
		return err == nil && prefix.Contains(ip)
	})
}

func (c *Controller) setFinalizers(ctx context.Context, cidr *networkingv1.ServiceCIDR, finalizers []string) error {
	return c.patch(ctx, cidr, map[string]any{"metadata": map[string]any{"resourceVersion": cidr.ResourceVersion, "finalizers": finalizers}})
}

// say writes a condition, unless it is there.
func (c *Controller) say(ctx context.Context, cidr *networkingv1.ServiceCIDR, condition metav1.Condition) error {
	conditions := slices.Clone(cidr.Status.Conditions)
	condition.LastTransitionTime = metav1.Now()
	if !meta.SetStatusCondition(&conditions, condition) {
		return nil
	}
	return c.patch(ctx, cidr, map[string]any{"status": map[string]any{"conditions": conditions}}, "status")
}

func (c *Controller) patch(ctx context.Context, cidr *networkingv1.ServiceCIDR, change any, subresources ...string) error {
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("describe a change of the ServiceCIDR %s: %w", cidr.Name, err)
	}
	_, err = c.client.NetworkingV1().ServiceCIDRs().Patch(ctx, cidr.Name, types.MergePatchType, body, metav1.PatchOptions{}, subresources...)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // the newer one is on its way here, and wakes us
	}
	if err != nil {
		return fmt.Errorf("change the ServiceCIDR %s: %w", cidr.Name, err)
	}
	return nil
}
