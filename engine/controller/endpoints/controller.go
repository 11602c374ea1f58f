package endpoints

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

// Values of discoveryv1.LabelManagedBy.
const (
	fromPods = "endpointslice-controller.k8s.io" // the slices that Endpoints are written from
	mirrored = "endpointslicemirroring-controller.k8s.io"
)

// Of the Endpoints that this controller writes.
const (
	managedBy = "endpoints.kubernetes.io/managed-by"
	ours      = "endpoint-controller"
)

// Controller keeps Endpoints and EndpointSlices in agreement.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client       kubernetes.Interface
	services     corelisters.ServiceLister
	endpoints    corelisters.EndpointsLister
	slices       discoverylisters.EndpointSliceLister
	written      *controller.Written
	expectations *controller.Expectations

	mu sync.Mutex
	// guarded by mu
	orphaned map[controller.Key]bool // whose Service was seen to go
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	core, slices := cfg.Informers.Core().V1(), cfg.Informers.Discovery().V1().EndpointSlices()
	c := &Controller{
		client: cfg.Client, services: core.Services().Lister(), endpoints: core.Endpoints().Lister(), slices: slices.Lister(),
		written: controller.NewWritten(), expectations: controller.NewExpectations(), orphaned: map[controller.Key]bool{},
	}
	c.Loop = controller.NewLoop("endpoint-controller", cfg, c.Reconcile)
	c.Resource = "services"
	named := func(obj any) []controller.Key {
		key, _ := controller.KeyOf(obj)
		return []controller.Key{key}
	}
	return c, errors.Join(
		c.FollowAll(core.Services().Informer(), named),
		c.Follow(core.Services().Informer(), cache.ResourceEventHandlerFuncs{DeleteFunc: c.orphan}),
		c.FollowAll(core.Endpoints().Informer(), named),
		c.Follow(slices.Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc: func(obj any) {
				if slice, ok := obj.(*discoveryv1.EndpointSlice); ok && slice.Labels[discoveryv1.LabelManagedBy] == mirrored {
					c.expectations.Created(serviceOf(slice))
				}
				c.wake(obj)
			},
			UpdateFunc: func(_, obj any) { c.wake(obj) },
			DeleteFunc: c.wake,
		}),
	)
}

// orphan remembers that a Service is gone: its Endpoints go with it, also those that were written by hand. Endpoints that never had
// a Service are somebody's own affair.
func (c *Controller) orphan(obj any) {
	key, _ := controller.KeyOf(obj)
	c.mu.Lock()
	c.orphaned[key] = true
	c.mu.Unlock()
	c.Add(key)
}

// batch is how long changes of slices are gathered: while a hundred pods start, nobody needs a hundred versions of an old list.
// It is --endpoint-updates-batch-period of kube-controller-manager.
const batch = 100 * time.Millisecond

func (c *Controller) wake(obj any) {
	slice, ok := controller.Object[*discoveryv1.EndpointSlice](obj)
	switch {
	case !ok:
	case slice.Labels[discoveryv1.LabelManagedBy] == fromPods:
		c.AddAfter(serviceOf(slice), batch)
	default:
		c.Add(serviceOf(slice))
	}
}

func serviceOf(slice *discoveryv1.EndpointSlice) controller.Key {
	return controller.Key{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
}

// Reconcile brings the two kinds in line for one Service.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	svc, err := c.services.Services(key.Namespace).Get(key.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	present, err := c.endpoints.Endpoints(key.Namespace).Get(key.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err != nil {
		present = nil
	}
	if svc == nil {
		return errors.Join(c.bury(ctx, key, present), c.mirror(ctx, key, nil))
	}
	c.forget(key)
	if present != nil && c.written.Stale(present) {
		return nil // its own event wakes us when the local copy has caught up
	}
	switch {
	case svc.Spec.Type == corev1.ServiceTypeExternalName || svc.DeletionTimestamp != nil:
		return nil
	case svc.Spec.Selector != nil:
		return errors.Join(c.write(ctx, svc, present), c.mirror(ctx, key, nil))
	}
	return c.mirror(ctx, key, present)
}

func (c *Controller) forget(key controller.Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.orphaned[key]
	delete(c.orphaned, key)
	return was
}

// bury deletes the Endpoints of a Service that is gone.
func (c *Controller) bury(ctx context.Context, key controller.Key, present *corev1.Endpoints) error { //nolint:staticcheck // see above
	orphaned := c.forget(key)
	if present == nil || !orphaned && present.Labels[managedBy] != ours {
		return nil
	}
	c.written.Forget(present)
	err := c.client.CoreV1().Endpoints(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete the Endpoints %s: %w", key, err)
	}
	return nil
}

// slicesOf are a Service's slices of one manager.
func (c *Controller) slicesOf(key controller.Key, manager string) ([]*discoveryv1.EndpointSlice, error) {
	list, err := c.slices.EndpointSlices(key.Namespace).List(labels.SelectorFromSet(labels.Set{
		discoveryv1.LabelServiceName: key.Name, discoveryv1.LabelManagedBy: manager,
	}))
	if err != nil {
		return nil, fmt.Errorf("list EndpointSlices: %w", err)
	}
	return list, nil
}
