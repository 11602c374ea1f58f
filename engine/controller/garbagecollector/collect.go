package garbagecollector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"

	"drydock/engine/decision"
)

// recheck is when to look again at an object whose owner exists but has not come into the graph yet.
const recheck = 30 * time.Second

// Reconcile does what there is to do about one object.
func (c *Controller) Reconcile(ctx context.Context, uid types.UID) error {
	n := c.graph.get(uid)
	switch {
	case n == nil:
		return nil
	case n.waits(metav1.FinalizerOrphanDependents):
		return c.orphan(ctx, n)
	case n.waits(metav1.FinalizerDeleteDependents):
		return c.foreground(ctx, n)
	case n.deleting || len(n.owners) == 0:
		return nil
	default:
		return c.judge(ctx, n)
	}
}

// orphan takes the owner's name out of all dependents, then lets the owner go.
func (c *Controller) orphan(ctx context.Context, owner *node) error {
	var errs []error
	for _, dependent := range c.graph.dependentsOf(owner.uid) {
		err := c.disown(ctx, dependent, []types.UID{owner.uid})
		errs = append(errs, ignoreNotFound(err))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.dropFinalizer(ctx, owner, metav1.FinalizerOrphanDependents)
}

// foreground lets the owner go once no dependent blocks it any more; each of them is looked at on its own.
func (c *Controller) foreground(ctx context.Context, owner *node) error {
	blocked := false
	for _, dependent := range c.graph.dependentsOf(owner.uid) {
		if dependent.blocks(owner.uid) {
			blocked = true
		}
		if !dependent.deleting {
			c.Add(dependent.uid)
		}
	}
	if blocked {
		return nil
	}
	return c.dropFinalizer(ctx, owner, metav1.FinalizerDeleteDependents)
}

// judge deletes the object when all its owners are gone or going; if only some are, it disowns those.
func (c *Controller) judge(ctx context.Context, n *node) error {
	var lost []types.UID
	var cause decision.Object
	waiting := false
	for _, ref := range n.owners {
		state, err := c.ownerState(ctx, n, ref)
		if err != nil {
			return err
		}
		if state == solid {
			continue
		}
		lost, waiting = append(lost, ref.UID), waiting || state == waits
		cause = decision.Object{Resource: c.resourceOf(ref), Namespace: n.namespace, Name: ref.Name, UID: string(ref.UID)}
	}
	switch {
	case len(lost) == 0:
		return nil
	case len(lost) < len(n.owners):
		return ignoreNotFound(c.disown(ctx, n, lost))
	case waiting && len(c.graph.dependentsOf(n.uid)) > 0:
		// Its own dependents first, so that the owner that waits sees the whole tree gone.
		return c.delete(ctx, n, metav1.DeletePropagationForeground, cause)
	default:
		return c.delete(ctx, n, c.policy(n), cause)
	}
}

// policy keeps what somebody has asked for with a finalizer.
func (c *Controller) policy(n *node) metav1.DeletionPropagation {
	switch {
	case slices.Contains(n.finalizers, metav1.FinalizerOrphanDependents):
		return metav1.DeletePropagationOrphan
	case slices.Contains(n.finalizers, metav1.FinalizerDeleteDependents):
		return metav1.DeletePropagationForeground
	default:
		return metav1.DeletePropagationBackground
	}
}

type ownerState int

const (
	solid ownerState = iota // it exists
	gone
	waits // it is being deleted and waits for its dependents
)

// ownerState looks an owner up, in the graph and, when it is not there, at the API server.
func (c *Controller) ownerState(ctx context.Context, n *node, ref metav1.OwnerReference) (ownerState, error) {
	kind, known := c.kinds[schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).GroupKind()]
	switch owner := c.graph.get(ref.UID); {
	case !known:
		return solid, nil // not ours to judge
	case kind.Namespaced && n.namespace == "":
		// A cluster-wide object cannot say in which namespace its owner is.
		return solid, nil
	case owner != nil && owner.namespace != "" && owner.namespace != n.namespace:
		return gone, nil // owners do not reach over namespaces
	case owner != nil && owner.waits(metav1.FinalizerDeleteDependents):
		return waits, nil
	case owner != nil:
		return solid, nil
	}
	live, err := c.client(kind.Resource, namespaceFor(kind.Namespaced, n.namespace)).Get(ctx, ref.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return gone, nil
	case err != nil:
		return solid, fmt.Errorf("look for owner %s %s: %w", ref.Kind, ref.Name, err)
	case live.UID != ref.UID:
		return gone, nil // another object has its name
	}
	c.AddAfter(n.uid, recheck) // should it go before the graph has seen it, nobody would tell us
	return solid, nil
}

func (c *Controller) resourceOf(ref metav1.OwnerReference) string {
	return c.kinds[schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).GroupKind()].Resource.Resource
}

func namespaceFor(namespaced bool, namespace string) string {
	if namespaced {
		return namespace
	}
	return ""
}

func (c *Controller) client(resource schema.GroupVersionResource, namespace string) metadata.ResourceInterface {
	if namespace == "" {
		return c.cfg.Metadata.Resource(resource)
	}
	return c.cfg.Metadata.Resource(resource).Namespace(namespace)
}

// delete deletes the object, if the API server too has it with the owners that were judged. Each kind has a watch of its own:
// the news that an owner has gone can overtake the news that it has let go of its dependents before.
func (c *Controller) delete(ctx context.Context, n *node, policy metav1.DeletionPropagation, cause decision.Object) error {
	client := c.client(n.kind.Resource, n.namespace)
	live, err := client.Get(ctx, n.name, metav1.GetOptions{})
	if err != nil {
		return ignoreNotFound(err)
	}
	if live.UID != n.uid || !equality.Semantic.DeepEqual(live.OwnerReferences, n.owners) {
		return nil // its own event is on the way and wakes us
	}
	err = client.Delete(ctx, n.name, metav1.DeleteOptions{
		PropagationPolicy: &policy, Preconditions: &metav1.Preconditions{UID: &n.uid, ResourceVersion: &live.ResourceVersion},
	})
	if err != nil {
		return ignoreNotFound(err)
	}
	c.Decide(decision.Record{
		Object: n.object(), Action: "Delete", Reason: "OwnerGone", Cause: cause,
		Message: "every owner is gone or being deleted", Details: map[string]string{"propagationPolicy": string(policy)},
	})
	return nil
}

// disown takes owners out of an object.
func (c *Controller) disown(ctx context.Context, n *node, owners []types.UID) error {
	return c.patch(ctx, n, "Disown", func(m *metav1.PartialObjectMetadata) map[string]any {
		left := slices.DeleteFunc(slices.Clone(m.OwnerReferences), func(ref metav1.OwnerReference) bool { return slices.Contains(owners, ref.UID) })
		if len(left) == len(m.OwnerReferences) {
			return nil
		}
		return map[string]any{"ownerReferences": left}
	})
}

func (c *Controller) dropFinalizer(ctx context.Context, n *node, finalizer string) error {
	err := c.patch(ctx, n, "RemoveFinalizer", func(m *metav1.PartialObjectMetadata) map[string]any {
		left := slices.DeleteFunc(slices.Clone(m.Finalizers), func(f string) bool { return f == finalizer })
		if len(left) == len(m.Finalizers) {
			return nil
		}
		return map[string]any{"finalizers": left}
	})
	return ignoreNotFound(err)
}

// patch changes an object's metadata, provided it is as it was when change looked at it; nil changes nothing.
func (c *Controller) patch(ctx context.Context, n *node, action string, change func(*metav1.PartialObjectMetadata) map[string]any) error {
	client := c.client(n.kind.Resource, n.namespace)
	live, err := client.Get(ctx, n.name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	fields := change(live)
	if live.UID != n.uid || fields == nil {
		return nil
	}
	fields["uid"], fields["resourceVersion"] = live.UID, live.ResourceVersion
	patch, err := json.Marshal(map[string]any{"metadata": fields})
	if err != nil {
		return fmt.Errorf("patch %s: %w", n.name, err)
	}
	if _, err = client.Patch(ctx, n.name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	c.Decide(decision.Record{Object: n.object(), Action: action, After: string(patch)})
	return nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
