package garbagecollector

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

// Controller deletes what has lost its owners.
type Controller struct {
	// set once in New
	*controller.Loop[types.UID]
	cfg   controller.Config
	graph *graph

	kinds map[schema.GroupKind]controller.Kind // set at the start of Run
}

// New makes the controller, which needs cfg.Metadata. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	if cfg.Metadata == nil {
		return nil, errors.New("garbage collector: Config.Metadata is missing")
	}
	c := &Controller{cfg: cfg, graph: newGraph(), kinds: map[schema.GroupKind]controller.Kind{}}
	c.Loop = controller.NewLoop("garbage-collector-controller", cfg, c.Reconcile)
	c.Resource = "uids"
	return c, nil
}

// Run asks the API server which kinds there are, follows them all, and collects until ctx ends. It starts the informers
// that nobody else has asked for.
func (c *Controller) Run(ctx context.Context) error {
	kinds, err := controller.Kinds(c.cfg.Client.Discovery(), "delete", "list", "watch")
	if err != nil {
		return fmt.Errorf("garbage collector: %w", err)
	}
	for _, kind := range kinds {
		informer, err := c.cfg.Informers.ForResource(kind.Resource)
		if err != nil {
			continue // a kind without a generated type; see "Left out"
		}
		c.kinds[kind.Kind.GroupKind()] = kind
		if err := c.Follow(informer.Informer(), handler{c, kind}); err != nil {
			return err
		}
	}
	c.cfg.Informers.Start(ctx.Done())
	return c.Loop.Run(ctx)
}

// handler takes the changes of one kind into the graph.
type handler struct {
	*Controller
	kind controller.Kind
}

var _ cache.ResourceEventHandler = handler{}

// OnAdd implements cache.ResourceEventHandler.
func (h handler) OnAdd(obj any, _ bool) { h.see(obj) }

// OnUpdate implements cache.ResourceEventHandler.
func (h handler) OnUpdate(old, obj any) {
	before, err := meta.Accessor(old)
	if after, err2 := meta.Accessor(obj); err == nil && err2 == nil && before.GetUID() != after.GetUID() {
		h.OnDelete(old) // deleted and made again under its name while the watch was interrupted
	}
	h.see(obj)
}

// see puts the object into the graph and into the queue those that the change may concern.
func (h handler) see(obj any) {
	m, err := meta.Accessor(obj)
	if err != nil {
		return // every object of an informer has metadata
	}
	n := newNode(h.kind, m)
	before := h.graph.put(n)
	if len(n.owners) > 0 || n.waits(metav1.FinalizerOrphanDependents) || n.waits(metav1.FinalizerDeleteDependents) {
		h.Add(n.uid)
	}
	if n.waits(metav1.FinalizerDeleteDependents) && (before == nil || !before.waits(metav1.FinalizerDeleteDependents)) {
		for _, dependent := range h.graph.dependentsOf(n.uid) {
			h.Add(dependent.uid)
		}
	}
	if before != nil {
		h.wakeOwners(before) // the object may have ceased to block one
	}
}

// OnDelete implements cache.ResourceEventHandler.
func (h handler) OnDelete(obj any) {
	gone, ok := controller.Object[metav1.Object](obj)
	if !ok {
		return
	}
	dependents := h.graph.dependentsOf(gone.GetUID())
	h.graph.remove(gone.GetUID())
	for _, dependent := range dependents {
		h.Add(dependent.uid)
	}
	h.wakeOwners(newNode(h.kind, gone))
}

// wakeOwners wakes owners that wait for their dependents to go.
func (h handler) wakeOwners(n *node) {
	for _, ref := range n.owners {
		if owner := h.graph.get(ref.UID); owner != nil && owner.waits(metav1.FinalizerDeleteDependents) {
			h.Add(ref.UID)
		}
	}
}
