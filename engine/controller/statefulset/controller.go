package statefulset

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
	"drydock/engine/controller/revision"
)

var kind = appsv1.SchemeGroupVersion.WithKind("StatefulSet")

// Controller keeps the pods of StatefulSets.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client       kubernetes.Interface
	sets         appslisters.StatefulSetLister
	pods         corelisters.PodLister
	history      revision.History
	control      controller.PodControl
	expectations *controller.Expectations
	written      *controller.Written
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	apps, pods := cfg.Informers.Apps().V1(), cfg.Informers.Core().V1().Pods()
	c := &Controller{
		client:       cfg.Client,
		sets:         apps.StatefulSets().Lister(),
		pods:         pods.Lister(),
		history:      revision.History{Client: cfg.Client, Lister: apps.ControllerRevisions().Lister(), Kind: kind},
		expectations: controller.NewExpectations(),
		written:      controller.NewWritten(),
	}
	c.Loop = controller.NewLoop("statefulset-controller", cfg, c.Reconcile)
	c.control = controller.PodControl{Voice: c.Voice, Client: cfg.Client, Expectations: c.expectations, Kind: kind}
	c.Needs(apps.ControllerRevisions().Informer())
	return c, errors.Join(
		c.FollowAll(apps.StatefulSets().Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.Follow(apps.StatefulSets().Informer(), cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
			if gone, ok := controller.Object[*appsv1.StatefulSet](obj); ok {
				c.written.Forget(gone)
			}
		}}),
		c.Follow(pods.Informer(), controller.PodHandler{
			Kind: kind.Kind, Add: c.Add, Expectations: c.expectations, Adopters: c.adopters,
		}),
	)
}

// adopters is every StatefulSet that could adopt a pod without a controller.
func (c *Controller) adopters(pod *corev1.Pod) []controller.Key {
	sets, err := c.sets.StatefulSets(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	return controller.Selecting(sets, func(s *appsv1.StatefulSet) *metav1.LabelSelector { return s.Spec.Selector }, pod.Labels)
}

// Reconcile takes one step with one StatefulSet.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	set, err := c.sets.StatefulSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.expectations.Forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return controller.Terminal(fmt.Errorf("selector of StatefulSet %s: %w", key, err))
	}
	if c.written.Stale(set) {
		return nil // its own event wakes us when the local copy has caught up
	}
	if satisfied, wait := c.expectations.Satisfied(key); !satisfied {
		c.AddAfter(key, wait) // usually the pod's own event comes long before
		return nil
	}
	r := &row{Controller: c, key: key, set: set.DeepCopy(), selector: selector}
	if err := r.look(ctx); err != nil {
		return err
	}
	return r.step(ctx)
}
