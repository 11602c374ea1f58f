package daemonset

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/flowcontrol"

	"drydock/engine/controller"
	"drydock/engine/controller/revision"
)

var kind = appsv1.SchemeGroupVersion.WithKind("DaemonSet")

// The pauses before a failed pod is deleted and made again.
const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Minute
)

// Controller keeps the pods of DaemonSets.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client       kubernetes.Interface
	sets         appslisters.DaemonSetLister
	pods         corelisters.PodLister
	nodes        corelisters.NodeLister
	history      revision.History
	control      controller.PodControl
	expectations *controller.Expectations
	written      *controller.Written
	failures     *flowcontrol.Backoff
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	apps, core := cfg.Informers.Apps().V1(), cfg.Informers.Core().V1()
	c := &Controller{
		client:       cfg.Client,
		sets:         apps.DaemonSets().Lister(),
		pods:         core.Pods().Lister(),
		nodes:        core.Nodes().Lister(),
		history:      revision.History{Client: cfg.Client, Lister: apps.ControllerRevisions().Lister(), Kind: kind},
		expectations: controller.NewExpectations(),
		written:      controller.NewWritten(),
		failures:     flowcontrol.NewBackOff(firstRetry, lastRetry),
	}
	c.Loop = controller.NewLoop("daemonset-controller", cfg, c.Reconcile)
	c.control = controller.PodControl{Voice: c.Voice, Client: cfg.Client, Expectations: c.expectations, Kind: kind}
	c.Needs(apps.ControllerRevisions().Informer())
	return c, errors.Join(
		c.FollowAll(apps.DaemonSets().Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.Follow(apps.DaemonSets().Informer(), cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
			if gone, ok := controller.Object[*appsv1.DaemonSet](obj); ok {
				c.written.Forget(gone)
			}
		}}),
		c.Follow(core.Pods().Informer(), controller.PodHandler{
			Kind: kind.Kind, Add: c.Add, Expectations: c.expectations, Adopters: c.adopters,
		}),
		c.Follow(core.Nodes().Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { c.wakeAll() },
			UpdateFunc: c.nodeChanged,
			DeleteFunc: func(any) { c.wakeAll() },
		}),
	)
}

// nodeChanged passes over the heartbeats: only labels and taints decide where pods belong.
func (c *Controller) nodeChanged(old, obj any) {
	before, node := old.(*corev1.Node), obj.(*corev1.Node)
	if !equality.Semantic.DeepEqual(before.Labels, node.Labels) || !equality.Semantic.DeepEqual(before.Spec.Taints, node.Spec.Taints) {
		c.wakeAll()
	}
}

func (c *Controller) wakeAll() {
	sets, err := c.sets.List(labels.Everything())
	if err != nil {
		return // listing the local copy cannot fail
	}
	for _, ds := range sets {
		c.Add(controller.Key{Namespace: ds.Namespace, Name: ds.Name})
	}
}

// adopters is every DaemonSet that could adopt a pod without a controller.
func (c *Controller) adopters(pod *corev1.Pod) []controller.Key {
	sets, err := c.sets.DaemonSets(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	return controller.Selecting(sets, func(ds *appsv1.DaemonSet) *metav1.LabelSelector { return ds.Spec.Selector }, pod.Labels)
}

// Reconcile takes one step with one DaemonSet.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	ds, err := c.sets.DaemonSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.expectations.Forget(key)
		return nil
	}
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(ds.Spec.Selector)
	if err != nil {
		return controller.Terminal(fmt.Errorf("selector of DaemonSet %s: %w", key, err))
	}
	switch {
	case selector.Empty():
		c.Warning(ds, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.")
		return nil
	case ds.DeletionTimestamp != nil:
		return nil // its revisions may be gone already, and then every pod would look old
	case c.written.Stale(ds):
		return nil // its own event wakes us when the local copy has caught up
	}
	w := &watchOver{Controller: c, key: key, ds: ds.DeepCopy(), selector: selector}
	if err := w.look(ctx); err != nil {
		return err
	}
	return w.step(ctx)
}
