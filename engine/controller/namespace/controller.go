package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// look is how often a namespace is looked at while something in it does not go.
const look = time.Second

// Controller empties namespaces that are being deleted.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	cfg        controller.Config
	namespaces corelisters.NamespaceLister
	kinds      func() ([]controller.Kind, error)
}

// New makes the controller, which needs cfg.Metadata. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	if cfg.Metadata == nil {
		return nil, errors.New("namespace controller: Config.Metadata is missing")
	}
	core := cfg.Informers.Core().V1()
	c := &Controller{cfg: cfg, namespaces: core.Namespaces().Lister(), kinds: sync.OnceValues(func() ([]controller.Kind, error) {
		return namespacedKinds(cfg)
	})}
	c.Loop = controller.NewLoop("namespace-controller", cfg, c.Reconcile)
	return c, errors.Join(
		c.FollowAll(core.Namespaces().Informer(), func(obj any) []controller.Key {
			if ns := obj.(*corev1.Namespace); ns.DeletionTimestamp != nil {
				return []controller.Key{{Name: ns.Name}}
			}
			return nil
		}),
		c.FollowAll(core.Pods().Informer(), func(obj any) []controller.Key {
			pod := obj.(*corev1.Pod)
			ns, err := c.namespaces.Get(pod.Namespace)
			if err == nil && ns.DeletionTimestamp != nil {
				return []controller.Key{{Name: pod.Namespace}}
			}
			return nil
		}),
	)
}

// namespacedKinds are the kinds to delete, pods last.
func namespacedKinds(cfg controller.Config) ([]controller.Kind, error) {
	kinds, err := controller.Kinds(cfg.Client.Discovery(), "delete", "deletecollection", "list")
	if err != nil {
		return nil, err
	}
	kinds = slices.DeleteFunc(kinds, func(k controller.Kind) bool { return !k.Namespaced })
	slices.SortStableFunc(kinds, func(a, b controller.Kind) int { return last(a) - last(b) })
	events := corev1.SchemeGroupVersion
	return append(kinds, controller.Kind{
		Resource: events.WithResource("events"), Kind: events.WithKind("Event"), Namespaced: true,
	}), nil
}

func last(k controller.Kind) int {
	if k.Resource.Resource == "pods" {
		return 1
	}
	return 0
}

// Reconcile deletes what is in a namespace that is being deleted; when nothing is left it lets the namespace go.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	cached, err := c.namespaces.Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && cached.DeletionTimestamp == nil {
		return nil
	}
	if err != nil {
		return err
	}
	// The server's word counts, not the copy's: one of the same name may have been made since, and what is in that would go. This
	// one cannot go while we empty it, because nobody else lets it.
	ns, err := c.cfg.Client.CoreV1().Namespaces().Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil || ns.DeletionTimestamp == nil {
		return ignoreNotFound(err)
	}
	if !slices.Contains(ns.Spec.Finalizers, corev1.FinalizerKubernetes) {
		return nil // emptied already; somebody else's finalizer keeps it
	}
	found := c.empty(ctx, ns.Name)
	if err := c.report(ctx, ns, found); err != nil {
		return ignoreNotFound(err)
	}
	switch {
	case found.err() != nil:
		return found.err()
	case len(found.remaining) > 0:
		c.AddAfter(key, look)
		return nil
	default:
		return c.finalize(ctx, ns)
	}
}

// empty asks for the deletion of everything and counts what is still there.
func (c *Controller) empty(ctx context.Context, namespace string) *findings {
	found := newFindings()
	kinds, err := c.kinds()
	if err != nil {
		found.discovery = err
		return found
	}
	background := metav1.DeletePropagationBackground
	for _, kind := range kinds {
		client := c.cfg.Metadata.Resource(kind.Resource).Namespace(namespace)
		err := client.DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &background}, metav1.ListOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			found.content = append(found.content, fmt.Errorf("delete all %s: %w", kind.Resource.Resource, err))
			continue
		}
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			found.content = append(found.content, fmt.Errorf("list %s: %w", kind.Resource.Resource, err))
			continue
		}
		found.count(kind, list.Items)
	}
	return found
}

// finalize lets the namespace go.
func (c *Controller) finalize(ctx context.Context, ns *corev1.Namespace) error {
	ns.Spec.Finalizers = slices.DeleteFunc(ns.Spec.Finalizers, func(f corev1.FinalizerName) bool { return f == corev1.FinalizerKubernetes })
	_, err := c.cfg.Client.CoreV1().Namespaces().Finalize(ctx, ns, metav1.UpdateOptions{})
	if err != nil {
		return ignoreNotFound(err)
	}
	c.Decide(decision.Record{
		Object: controller.Refer("namespaces", ns), Action: "Finalize", Reason: "ContentRemoved", Message: "nothing is left in the namespace",
	})
	return nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
