package endpointslice

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

// manager is the value of the label that marks the slices as ours.
const manager = "endpointslice-controller.k8s.io"

// Controller keeps the EndpointSlices of Services.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client       kubernetes.Interface
	services     corelisters.ServiceLister
	pods         corelisters.PodLister
	nodes        corelisters.NodeLister
	slices       discoverylisters.EndpointSliceLister
	expectations *controller.Expectations
	written      *controller.Written
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	core, slices := cfg.Informers.Core().V1(), cfg.Informers.Discovery().V1().EndpointSlices()
	c := &Controller{
		client: cfg.Client, services: core.Services().Lister(), pods: core.Pods().Lister(), nodes: core.Nodes().Lister(),
		slices: slices.Lister(), expectations: controller.NewExpectations(), written: controller.NewWritten(),
	}
	c.Loop = controller.NewLoop("endpoint-slice-controller", cfg, c.Reconcile)
	c.Resource = "services"
	c.Needs(core.Nodes().Informer())
	return c, errors.Join(
		c.FollowAll(core.Services().Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.FollowAll(core.Pods().Informer(), c.servicesOf),
		c.Follow(slices.Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc: func(obj any) {
				if key, ok := serviceOf(obj); ok {
					c.expectations.Created(key)
					c.Add(key)
				}
			},
			UpdateFunc: func(_, obj any) { c.wake(obj) },
			DeleteFunc: func(obj any) {
				if slice, ok := controller.Object[*discoveryv1.EndpointSlice](obj); ok {
					c.written.Forget(slice)
				}
				c.wake(obj)
			},
		}),
	)
}

func (c *Controller) wake(obj any) {
	if key, ok := serviceOf(obj); ok {
		c.Add(key)
	}
}

// serviceOf is the Service that one of our slices belongs to.
func serviceOf(obj any) (controller.Key, bool) {
	slice, ok := controller.Object[*discoveryv1.EndpointSlice](obj)
	if !ok || slice.Labels[discoveryv1.LabelManagedBy] != manager {
		return controller.Key{}, false
	}
	return controller.Key{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}, true
}

// servicesOf is the Services that select a pod.
func (c *Controller) servicesOf(obj any) []controller.Key {
	pod := obj.(*corev1.Pod)
	services, err := c.services.Services(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var keys []controller.Key
	for _, svc := range services {
		if len(svc.Spec.Selector) > 0 && labels.SelectorFromSet(svc.Spec.Selector).Matches(labels.Set(pod.Labels)) {
			keys = append(keys, controller.Key{Namespace: svc.Namespace, Name: svc.Name})
		}
	}
	return keys
}

// Reconcile brings the slices of one Service in line with its pods.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	svc, err := c.services.Services(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.expectations.Forget(key) // the garbage collector takes the slices
		return nil
	}
	if err != nil {
		return err
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName || svc.Spec.Selector == nil || svc.DeletionTimestamp != nil {
		return nil // without a selector the slices are somebody else's
	}
	if ok, wait := c.expectations.Satisfied(key); !ok {
		c.AddAfter(key, wait) // usually the slice's own event comes long before
		return nil
	}
	pods, err := c.pods.Pods(svc.Namespace).List(labels.SelectorFromSet(svc.Spec.Selector))
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	present, err := c.slices.EndpointSlices(svc.Namespace).List(labels.SelectorFromSet(labels.Set{
		discoveryv1.LabelServiceName: svc.Name, discoveryv1.LabelManagedBy: manager,
	}))
	if err != nil {
		return fmt.Errorf("list EndpointSlices: %w", err)
	}
	for _, slice := range present {
		if c.written.Stale(slice) {
			return nil // the slice's own event wakes us when the local copy has caught up
		}
	}
	return c.apply(ctx, svc, plan(svc, present, c.groups(svc, pods)))
}
