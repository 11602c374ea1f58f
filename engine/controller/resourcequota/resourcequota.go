// Package resourcequota counts what each ResourceQuota's namespace uses.
//
// # Part played
//
// The resourcequota controller of kube-controller-manager.
//
// # How it works
//
// The quota small allows four pods and one CPU. When a pod is created, admission in the API server adds it to status.used, or
// refuses it. What admission cannot know is what ends: a pod that is deleted or has run to its end uses nothing any more. So
// every deletion in a namespace, and every change of a pod, a Service or a claim, wakes the namespace's quotas here; Reconcile
// lists all objects of the kinds that spec.hard names, adds up what they use (package quota says what that is), and writes the
// sum. It counts afresh each time and so mends whatever admission has got wrong.
//
// Admission charges a quota a moment before the object exists, and a moment later the informer here knows of it. A count in
// between would give the room back that somebody has just taken. So what admission writes does not make us count before it
// has had a minute to come true, and an object that appears can only raise the sum.
//
// # Left out
//
// The full count every five minutes: every change of a status is looked at again after a minute.
//
// # In Kubernetes
//
// pkg/controller/resourcequota; the sums are k8s.io/apiserver/pkg/quota/v1.
package resourcequota

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
	"drydock/engine/quota"
)

// Controller keeps status.used of ResourceQuotas.
type Controller struct {
	// set once in New
	*controller.Loop[task]
	cfg    controller.Config
	quotas corelisters.ResourceQuotaLister

	informers map[schema.GroupResource]cache.SharedIndexInformer // set at the start of Run
}

// task is a quota to count for.
type task struct {
	controller.Key
	atLeast bool // objects have appeared: the sum may rise, but what admission has charged for others stays
}

// settled is how long after a charge the object it was for is there, or will never be.
const settled = time.Minute

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	quotas := cfg.Informers.Core().V1().ResourceQuotas()
	c := &Controller{cfg: cfg, quotas: quotas.Lister(), informers: map[schema.GroupResource]cache.SharedIndexInformer{}}
	c.Loop = controller.NewLoop("resourcequota-controller", cfg, c.Reconcile)
	return c, c.Follow(quotas.Informer(), cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { c.Add(taskFor(obj)) },
		UpdateFunc: c.changed,
	})
}

func taskFor(obj any) task {
	key, _ := controller.KeyOf(obj)
	return task{Key: key}
}

// changed counts at once for new limits; a new status is mostly admission's.
func (c *Controller) changed(old, obj any) {
	if before, q := old.(*corev1.ResourceQuota), obj.(*corev1.ResourceQuota); !equality.Semantic.DeepEqual(before.Spec, q.Spec) {
		c.Add(taskFor(obj))
	} else if !equality.Semantic.DeepEqual(before.Status, q.Status) {
		c.AddAfter(taskFor(obj), settled)
	}
}

// Run asks the API server which kinds there are, follows those that live in namespaces, and counts until ctx ends. It starts
// the informers that nobody else has asked for.
func (c *Controller) Run(ctx context.Context) error {
	kinds, err := controller.Kinds(c.cfg.Client.Discovery(), "create", "delete", "list", "watch")
	if err != nil {
		return fmt.Errorf("resourcequota controller: %w", err)
	}
	for _, kind := range kinds {
		informer, err := c.cfg.Informers.ForResource(kind.Resource)
		if err != nil || !kind.Namespaced {
			continue // a kind without a generated type cannot be counted by this informer factory
		}
		id := kind.Resource.GroupResource()
		c.informers[id] = informer.Informer()
		if err := c.Follow(informer.Informer(), c.changes(id)); err != nil {
			return err
		}
	}
	c.cfg.Informers.Start(ctx.Done())
	return c.Loop.Run(ctx)
}

// changes wakes the quotas of a namespace. Updates matter only where usage is more than a count.
func (c *Controller) changes(kind schema.GroupResource) cache.ResourceEventHandler {
	wake := func(obj any, atLeast bool) {
		if m, ok := controller.Object[metav1.Object](obj); ok {
			c.wake(kind, m.GetNamespace(), atLeast)
		}
	}
	h := cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { wake(obj, true) }, DeleteFunc: func(obj any) { wake(obj, false) },
	}
	switch kind.String() {
	case "pods", "services", "persistentvolumeclaims":
		h.UpdateFunc = func(old, obj any) {
			now := time.Now()
			before, after := quota.Usage(kind, old.(runtime.Object), now), quota.Usage(kind, obj.(runtime.Object), now)
			if !equality.Semantic.DeepEqual(before, after) {
				wake(obj, false)
			}
		}
	}
	return h
}

func (c *Controller) wake(kind schema.GroupResource, namespace string, atLeast bool) {
	quotas, err := c.quotas.ResourceQuotas(namespace).List(labels.Everything())
	if err != nil {
		return // listing the local copy cannot fail
	}
	for _, q := range quotas {
		if len(quota.Limited(kind, quota.Names(q.Spec.Hard))) > 0 {
			c.Add(task{controller.Key{Namespace: q.Namespace, Name: q.Name}, atLeast})
		}
	}
}

// Reconcile counts for one quota.
func (c *Controller) Reconcile(ctx context.Context, key task) error {
	q, err := c.quotas.ResourceQuotas(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	used, err := c.used(q)
	if key.atLeast {
		raise(used, q.Status.Used)
	}
	status := corev1.ResourceQuotaStatus{Hard: q.Spec.Hard, Used: used}
	if equality.Semantic.DeepEqual(q.Status, status) {
		return err
	}
	q = q.DeepCopy()
	q.Status = *status.DeepCopy()
	_, updateErr := c.cfg.Client.CoreV1().ResourceQuotas(q.Namespace).UpdateStatus(ctx, q, metav1.UpdateOptions{})
	if apierrors.IsNotFound(updateErr) {
		updateErr = nil
	}
	return errors.Join(err, updateErr)
}

// raise makes each amount at least what it was before.
func raise(used, before corev1.ResourceList) {
	for name, value := range used {
		if was, known := before[name]; known && was.Cmp(value) > 0 {
			used[name] = was
		}
	}
}

// used adds up over all objects. A name that nobody knows how to count keeps what it has.
func (c *Controller) used(q *corev1.ResourceQuota) (corev1.ResourceList, error) {
	used, kinds := corev1.ResourceList{}, map[schema.GroupResource]bool{}
	for name := range q.Spec.Hard {
		if kind, known := quota.KindOf(name); known {
			used[name], kinds[kind] = resource.MustParse("0"), true
		} else if before, ok := q.Status.Used[name]; ok {
			used[name] = before
		}
	}
	var errs []error
	for kind := range kinds {
		sum, err := c.usedBy(kind, q)
		errs = append(errs, err)
		maps.Copy(used, quota.Mask(quota.Add(used, sum), quota.Names(sum)))
	}
	return used, errors.Join(errs...)
}

// usedBy is what the objects of one kind use of what the quota limits.
func (c *Controller) usedBy(kind schema.GroupResource, q *corev1.ResourceQuota) (corev1.ResourceList, error) {
	sum := corev1.ResourceList{}
	informer := c.informers[kind]
	if informer == nil {
		return sum, nil // not served: there are none
	}
	limited, now := quota.Limited(kind, quota.Names(q.Spec.Hard)), time.Now()
	err := cache.ListAllByNamespace(informer.GetIndexer(), q.Namespace, labels.Everything(), func(obj any) {
		if obj := obj.(runtime.Object); quota.Matches(q, q.Spec.Hard, kind, obj) {
			sum = quota.Add(sum, quota.Mask(quota.Usage(kind, obj, now), limited))
		}
	})
	return sum, err
}
