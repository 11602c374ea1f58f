package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// announcedBy is the annotation that names the node that answers for the address. engine/proxy reads it.
const announcedBy = "drydock.dev/announced-by"

// Controller gives load balancers their addresses.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client   kubernetes.Interface
	services corelisters.ServiceLister
	nodes    corelisters.NodeLister
	slices   discoverylisters.EndpointSliceLister
	pool     *pool
}

// New makes the controller; it gives out the addresses from first to last. Nothing runs before Run.
func New(cfg controller.Config, first, last netip.Addr) (*Controller, error) {
	core, slices := cfg.Informers.Core().V1(), cfg.Informers.Discovery().V1().EndpointSlices()
	c := &Controller{
		client: cfg.Client, services: core.Services().Lister(), nodes: core.Nodes().Lister(), slices: slices.Lister(),
		pool: newPool(first, last),
	}
	c.Loop = controller.NewLoop("service-controller", cfg, c.Reconcile)
	c.Resource = "services"
	return c, errors.Join(
		c.FollowAll(core.Services().Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.FollowAll(core.Nodes().Informer(), func(any) []controller.Key { return c.balanced() }),
		c.FollowAll(slices.Informer(), func(obj any) []controller.Key {
			slice := obj.(*discoveryv1.EndpointSlice)
			return []controller.Key{{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}}
		}),
	)
}

// balanced are all Services that are ours to serve.
func (c *Controller) balanced() []controller.Key {
	list, err := c.services.List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var keys []controller.Key
	for _, svc := range list {
		if ours(svc) {
			keys = append(keys, controller.Key{Namespace: svc.Namespace, Name: svc.Name})
		}
	}
	return keys
}

func ours(svc *corev1.Service) bool {
	return svc.Spec.Type == corev1.ServiceTypeLoadBalancer && svc.Spec.LoadBalancerClass == nil && svc.DeletionTimestamp == nil
}

// Reconcile sees to the address of one Service.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	svc, err := c.services.Services(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		if c.pool.release(key) {
			c.Add(c.balanced()...) // one of them may have been waiting for an address
		}
		return nil
	}
	if err != nil {
		return err
	}
	if !ours(svc) {
		return c.withdraw(ctx, svc, key)
	}
	has := addressOf(svc)
	c.noteAllHeld()
	address, err := c.pool.take(key, has, svc.Spec.LoadBalancerIP)
	if err != nil {
		c.Warning(svc, "SyncLoadBalancerFailed", "Error syncing load balancer: failed to ensure load balancer: %v", err)
		return controller.Terminal(err)
	}
	if address != has {
		c.Normal(svc, "EnsuringLoadBalancer", "Ensuring load balancer")
	}
	if err := c.announce(ctx, svc, c.speaker(svc)); err != nil {
		return err
	}
	if address == has {
		return nil
	}
	if err := c.write(ctx, svc, corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{ingress(address)}}); err != nil {
		return err
	}
	c.Normal(svc, "EnsuredLoadBalancer", "Ensured load balancer")
	c.Decide(decision.Record{
		Object: controller.Refer("services", svc), Action: "Allocate", After: address.String(), Reason: "LowestFree",
	})
	return nil
}

func ingress(address netip.Addr) corev1.LoadBalancerIngress {
	mode := corev1.LoadBalancerIPModeVIP
	return corev1.LoadBalancerIngress{IP: address.String(), IPMode: &mode}
}

// noteAllHeld lets the pool know what was given out before this controller was started.
func (c *Controller) noteAllHeld() {
	for _, key := range c.balanced() {
		if svc, err := c.services.Services(key.Namespace).Get(key.Name); err == nil {
			c.pool.note(key, addressOf(svc))
		}
	}
}

// addressOf is the address a Service has, or the zero Addr.
func addressOf(svc *corev1.Service) netip.Addr {
	for _, in := range svc.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(in.IP); err == nil {
			return address
		}
	}
	return netip.Addr{}
}

// withdraw takes back what a Service has that is no load balancer any more.
func (c *Controller) withdraw(ctx context.Context, svc *corev1.Service, key controller.Key) error {
	mine := c.pool.release(key)
	if svc.DeletionTimestamp != nil || svc.Spec.LoadBalancerClass != nil {
		return nil
	}
	if err := c.announce(ctx, svc, ""); err != nil {
		return err
	}
	if len(svc.Status.LoadBalancer.Ingress) > 0 {
		if err := c.write(ctx, svc, corev1.LoadBalancerStatus{}); err != nil {
			return err
		}
	}
	if mine {
		c.Add(c.balanced()...)
		c.Normal(svc, "DeletedLoadBalancer", "Deleted load balancer")
	}
	return nil
}

func (c *Controller) write(ctx context.Context, svc *corev1.Service, status corev1.LoadBalancerStatus) error {
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": status.Ingress}}})
	if err != nil {
		return fmt.Errorf("describe the load balancer of %s/%s: %w", svc.Namespace, svc.Name, err)
	}
	_, err = c.client.CoreV1().Services(svc.Namespace).Patch(ctx, svc.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("write the load balancer of %s/%s: %w", svc.Namespace, svc.Name, err)
	}
	return nil
}

// announce writes which node answers for the address; "" for none.
func (c *Controller) announce(ctx context.Context, svc *corev1.Service, node string) error {
	before := svc.Annotations[announcedBy]
	if before == node {
		return nil
	}
	var value any // null removes
	if node != "" {
		value = node
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{announcedBy: value}}})
	if err != nil {
		return fmt.Errorf("describe who announces %s/%s: %w", svc.Namespace, svc.Name, err)
	}
	_, err = c.client.CoreV1().Services(svc.Namespace).Patch(ctx, svc.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("write who announces %s/%s: %w", svc.Namespace, svc.Name, err)
	}
	if node != "" {
		c.Normal(svc, "nodeAssigned", "announcing from node %q with protocol \"layer2\"", node)
	}
	c.Decide(decision.Record{Object: controller.Refer("services", svc), Action: "Announce", Before: before, After: node})
	return nil
}
