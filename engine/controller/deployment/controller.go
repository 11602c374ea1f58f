package deployment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

var kind = appsv1.SchemeGroupVersion.WithKind("Deployment")

// Controller rolls Deployments out through ReplicaSets.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client      kubernetes.Interface
	deployments appslisters.DeploymentLister
	sets        appslisters.ReplicaSetLister
	pods        corelisters.PodLister
	written     *controller.Written
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	apps, core := cfg.Informers.Apps().V1(), cfg.Informers.Core().V1()
	c := &Controller{
		client:      cfg.Client,
		deployments: apps.Deployments().Lister(),
		sets:        apps.ReplicaSets().Lister(),
		pods:        core.Pods().Lister(),
		written:     controller.NewWritten(),
	}
	c.Loop = controller.NewLoop("deployment-controller", cfg, c.Reconcile)
	c.Needs(core.Pods().Informer())
	return c, errors.Join(
		c.FollowAll(apps.Deployments().Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.FollowAll(apps.ReplicaSets().Informer(), c.interested),
		c.FollowAll(core.Pods().Informer(), c.recreating),
		c.Follow(apps.Deployments().Informer(), c.forgetting()),
		c.Follow(apps.ReplicaSets().Informer(), c.forgetting()),
	)
}

// forgetting drops what was remembered of objects that are gone.
func (c *Controller) forgetting() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
		if gone, ok := controller.Object[metav1.Object](obj); ok {
			c.written.Forget(gone)
		}
	}}
}

// interested is the Deployments that a change of a ReplicaSet concerns: its owner, or those that could adopt it.
func (c *Controller) interested(obj any) []controller.Key {
	rs := obj.(*appsv1.ReplicaSet)
	if ref := metav1.GetControllerOfNoCopy(rs); ref != nil {
		if ref.Kind != kind.Kind {
			return nil
		}
		return []controller.Key{{Namespace: rs.Namespace, Name: ref.Name}}
	}
	deployments, err := c.deployments.Deployments(rs.Namespace).List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var keys []controller.Key
	for _, d := range deployments {
		selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(rs.Labels)) {
			keys = append(keys, controller.Key{Namespace: d.Namespace, Name: d.Name})
		}
	}
	return keys
}

// recreating is the Deployment with the strategy Recreate that a pod belongs to: it waits for the last old pod to go.
func (c *Controller) recreating(obj any) []controller.Key {
	pod := obj.(*corev1.Pod)
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil || ref.Kind != "ReplicaSet" {
		return nil
	}
	rs, err := c.sets.ReplicaSets(pod.Namespace).Get(ref.Name)
	if err != nil {
		return nil
	}
	owner := metav1.GetControllerOfNoCopy(rs)
	if owner == nil || owner.Kind != kind.Kind {
		return nil
	}
	d, err := c.deployments.Deployments(pod.Namespace).Get(owner.Name)
	if err != nil || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		return nil
	}
	return []controller.Key{{Namespace: d.Namespace, Name: d.Name}}
}

// Reconcile takes one step of the rollout of one Deployment.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	cached, err := c.deployments.Deployments(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil // the garbage collector takes its ReplicaSets
	}
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(cached.Spec.Selector)
	if err != nil {
		return controller.Terminal(fmt.Errorf("selector of Deployment %s: %w", key, err))
	}
	if c.written.Stale(cached) {
		return nil // its own event wakes us when the local copy has caught up
	}
	r := &rollout{Controller: c, key: key, d: cached.DeepCopy()}
	if selector.Empty() {
		c.Warning(r.d, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.")
		r.d.Status.ObservedGeneration = r.d.Generation
		return r.writeStatus(ctx, r.d.Status)
	}
	owned, err := c.claim(ctx, r.d, selector)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(owned, func(rs *appsv1.ReplicaSet) bool { return c.written.Stale(rs) }) {
		return nil
	}
	r.divide(owned)
	return r.step(ctx)
}

// claim returns the ReplicaSets that belong to d.
func (c *Controller) claim(ctx context.Context, d *appsv1.Deployment, selector labels.Selector) ([]*appsv1.ReplicaSet, error) {
	all, err := c.sets.ReplicaSets(d.Namespace).List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("list ReplicaSets: %w", err)
	}
	return controller.Sort(ctx, controller.Claim{
		Owner: d, Kind: kind, Selector: selector,
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return c.client.AppsV1().Deployments(d.Namespace).Get(ctx, d.Name, metav1.GetOptions{})
		},
		Patch: func(ctx context.Context, name string, patch []byte) error {
			_, err := c.client.AppsV1().ReplicaSets(d.Namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			return err
		},
	}, all)
}
