package replicaset

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

// Controller keeps the number of pods that each ReplicaSet asks for.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	source       Source
	client       kubernetes.Interface
	pods         corelisters.PodLister
	control      controller.PodControl
	expectations *controller.Expectations
	written      *controller.Written
}

// New makes the controller of ReplicaSets. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) { return NewOf(cfg, replicaSets(cfg)) }

// NewOf makes a controller of another kind of set.
func NewOf(cfg controller.Config, source Source) (*Controller, error) {
	pods := cfg.Informers.Core().V1().Pods()
	c := &Controller{
		source:       source,
		client:       cfg.Client,
		pods:         pods.Lister(),
		expectations: controller.NewExpectations(),
		written:      controller.NewWritten(),
	}
	c.Loop = controller.NewLoop(source.Name, cfg, c.Reconcile)
	c.control = controller.PodControl{Voice: c.Voice, Client: cfg.Client, Expectations: c.expectations, Kind: source.Kind}
	return c, errors.Join(
		c.FollowAll(source.Informer, func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.Follow(source.Informer, cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
			if gone, ok := controller.Object[metav1.Object](obj); ok {
				c.written.Forget(gone)
			}
		}}),
		c.Follow(pods.Informer(), controller.PodHandler{
			Kind: source.Kind.Kind, Add: c.Add, Expectations: c.expectations, Adopters: c.adopters,
		}),
	)
}

// adopters is every set that could adopt a pod without a controller.
func (c *Controller) adopters(pod *corev1.Pod) []controller.Key {
	sets, err := c.source.list(pod.Namespace)
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	return controller.Selecting(sets, func(rs *appsv1.ReplicaSet) *metav1.LabelSelector { return rs.Spec.Selector }, pod.Labels)
}

// Reconcile brings the pods and the status of one ReplicaSet in line with its spec.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	rs, err := c.source.get(key)
	if apierrors.IsNotFound(err) {
		c.expectations.Forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(rs.Spec.Selector)
	if err != nil {
		return controller.Terminal(fmt.Errorf("selector of ReplicaSet %s: %w", key, err))
	}
	if c.written.Stale(rs) {
		return nil // its own event wakes us when the local copy has caught up
	}
	active, terminating, err := c.claim(ctx, rs, selector)
	if err != nil {
		return err
	}
	var manageErr error
	satisfied, wait := c.expectations.Satisfied(key)
	switch {
	case !satisfied:
		c.AddAfter(key, wait) // usually the pod's own event comes long before
	case rs.DeletionTimestamp == nil:
		manageErr = c.manage(ctx, rs, active)
	}
	status, recheck := newStatus(rs, active, terminating, manageErr)
	if !c.source.CountsTerminating {
		status.TerminatingReplicas = nil
	}
	if err := c.updateStatus(ctx, rs, status); err != nil {
		return errors.Join(manageErr, err)
	}
	if recheck > 0 {
		c.AddAfter(key, recheck)
	}
	return manageErr
}

// claim returns the pods that belong to rs.
func (c *Controller) claim(ctx context.Context, rs *appsv1.ReplicaSet, selector labels.Selector) (active, terminating []*corev1.Pod, err error) {
	all, err := c.pods.Pods(rs.Namespace).List(labels.Everything())
	if err != nil {
		return nil, nil, fmt.Errorf("list pods: %w", err)
	}
	var candidates []*corev1.Pod
	for _, pod := range all {
		switch {
		case controller.Active(pod):
			candidates = append(candidates, pod)
		case controller.Terminating(pod) && metav1.IsControlledBy(pod, rs) && selector.Matches(labels.Set(pod.Labels)):
			terminating = append(terminating, pod)
		}
	}
	active, err = controller.Sort(ctx, controller.Claim{
		Owner: rs, Kind: c.source.Kind, Selector: selector,
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return c.source.Read(ctx, controller.Key{Namespace: rs.Namespace, Name: rs.Name})
		},
		Patch: func(ctx context.Context, name string, patch []byte) error {
			_, err := c.client.CoreV1().Pods(rs.Namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			return err
		},
	}, candidates)
	return active, terminating, err
}

// updateStatus writes the status when it has changed. A conflict is answered once with the fresh object: the usual one is
// a change of the spec, which does not touch what the status says.
func (c *Controller) updateStatus(ctx context.Context, rs *appsv1.ReplicaSet, status appsv1.ReplicaSetStatus) error {
	status.ObservedGeneration = rs.Generation
	if equal(rs.Status, status) {
		return nil
	}
	rs = rs.DeepCopy()
	rs.Status = status
	updated, err := c.source.WriteStatus(ctx, rs)
	if err == nil {
		c.written.Wrote(updated)
	}
	if !apierrors.IsConflict(err) {
		return ignoreNotFound(err)
	}
	fresh, err := c.source.Read(ctx, controller.Key{Namespace: rs.Namespace, Name: rs.Name})
	if err != nil {
		return fmt.Errorf("read ReplicaSet after a conflict: %w", err)
	}
	fresh.Status = status
	if updated, err = c.source.WriteStatus(ctx, fresh); err == nil {
		c.written.Wrote(updated)
	}
	return ignoreNotFound(err)
}

// ignoreNotFound is for writes to an object that may have been deleted meanwhile: then there is nothing left to do.
func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func minReady(rs *appsv1.ReplicaSet) time.Duration {
	return time.Duration(rs.Spec.MinReadySeconds) * time.Second
}
