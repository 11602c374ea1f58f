package servicecidr

import (
	"context"
	"errors"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

// item is what to reconcile: a range or an address.
type item struct{ cidr, address string }

// byAddress is the index of Services by cluster address.
const byAddress = "clusterIP"

// Controller keeps ServiceCIDRs and IPAddresses.
type Controller struct {
	// set once in New
	*controller.Loop[item]
	client    kubernetes.Interface
	services  cache.Indexer
	addresses networkinglisters.IPAddressLister
	cidrs     networkinglisters.ServiceCIDRLister
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	services := cfg.Informers.Core().V1().Services().Informer()
	addresses, cidrs := cfg.Informers.Networking().V1().IPAddresses(), cfg.Informers.Networking().V1().ServiceCIDRs()
	c := &Controller{client: cfg.Client, services: services.GetIndexer(), addresses: addresses.Lister(), cidrs: cidrs.Lister()}
	c.Loop = controller.NewLoop("service-cidr-controller", cfg, c.Reconcile)
	c.Resource = "servicecidrs"
	return c, errors.Join(
		services.AddIndexers(cache.Indexers{byAddress: func(obj any) ([]string, error) { return addressesOf(obj.(*corev1.Service)), nil }}),
		c.FollowAll(services, func(obj any) []item {
			var items []item
			for _, address := range addressesOf(obj.(*corev1.Service)) {
				items = append(items, item{address: address})
			}
			return items
		}),
		c.FollowAll(addresses.Informer(), func(obj any) []item {
			return append(c.ending(), item{address: obj.(*networkingv1.IPAddress).Name})
		}),
		c.FollowAll(cidrs.Informer(), func(obj any) []item {
			return append(c.ending(), item{cidr: obj.(*networkingv1.ServiceCIDR).Name})
		}),
	)
}

// addressesOf are a Service's cluster addresses; a headless one has none.
func addressesOf(svc *corev1.Service) []string {
	var all []string
	for _, text := range svc.Spec.ClusterIPs {
		if _, err := netip.ParseAddr(text); err == nil {
			all = append(all, text)
		}
	}
	return all
}

// ending are the ranges that wait for their addresses to go.
func (c *Controller) ending() []item {
	list, err := c.cidrs.List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var items []item
	for _, cidr := range list {
		if cidr.DeletionTimestamp != nil {
			items = append(items, item{cidr: cidr.Name})
		}
	}
	return items
}

// Reconcile sees to one range or one address.
func (c *Controller) Reconcile(ctx context.Context, i item) error {
	if i.cidr != "" {
		return c.reconcileCIDR(ctx, i)
	}
	return c.reconcileAddress(ctx, i.address)
}
