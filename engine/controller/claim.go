package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Claim decides which objects belong to an owner: those that name it as their controller and match its selector. Objects
// that match and have no controller are adopted; objects that it controls but that no longer match are released.
type Claim struct {
	Owner    metav1.Object
	Kind     schema.GroupVersionKind
	Selector labels.Selector
	// Fresh reads the owner from the API server: the local copy may not know yet that it is being deleted, and then it
	// must not adopt (the garbage collector would delete what it adopted).
	Fresh func(context.Context) (metav1.Object, error)
	// Finalizers are put on what is adopted.
	Finalizers []string
	// Patch applies a strategic merge patch to one of the objects.
	Patch func(ctx context.Context, name string, patch []byte) error

	fresh func() error // set in Sort: Fresh, asked once
}

// Sort returns which of the candidates belong to the owner, adopting and releasing on the way. Those that could not be
// adopted or released are in the error.
func Sort[T metav1.Object](ctx context.Context, c Claim, candidates []T) (owned []T, err error) {
	c.fresh = sync.OnceValue(func() error { return c.mayAdopt(ctx) })
	var errs []error
	for _, obj := range candidates {
		mine, err := c.claim(ctx, obj)
		switch {
		case apierrors.IsNotFound(err): // gone since the candidates were listed
		case err != nil:
			errs = append(errs, err)
		case mine:
			owned = append(owned, obj)
		}
	}
	return owned, errors.Join(errs...)
}

func (c Claim) claim(ctx context.Context, obj metav1.Object) (bool, error) {
	ref := metav1.GetControllerOfNoCopy(obj)
	matches := c.Selector.Matches(labels.Set(obj.GetLabels()))
	ending := c.Owner.GetDeletionTimestamp() != nil
	switch {
	case ref != nil && ref.UID != c.Owner.GetUID():
		return false, nil
	case ref != nil && matches:
		return true, nil
	case ref != nil && !ending:
		return false, c.release(ctx, obj)
	case ref == nil && matches && !ending && obj.GetDeletionTimestamp() == nil:
		err := c.adopt(ctx, obj)
		return err == nil, err
	default:
		return false, nil
	}
}

func (c Claim) mayAdopt(ctx context.Context) error {
	fresh, err := c.Fresh(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read owner: %w", err)
	case fresh.GetUID() != c.Owner.GetUID():
		return fmt.Errorf("owner %s is gone: another object has its name", c.Owner.GetName())
	case fresh.GetDeletionTimestamp() != nil:
		return fmt.Errorf("owner %s is being deleted", c.Owner.GetName())
	}
	return nil
}

// The patches carry the object's UID: should another object have taken its name meanwhile, the API server refuses.

func (c Claim) adopt(ctx context.Context, obj metav1.Object) error {
	if err := c.fresh(); err != nil {
		return fmt.Errorf("adopt %s: %w", obj.GetName(), err)
	}
	return c.patch(ctx, obj, metav1.NewControllerRef(c.Owner, c.Kind), c.Finalizers)
}

func (c Claim) release(ctx context.Context, obj metav1.Object) error {
	err := c.patch(ctx, obj, map[string]any{"$patch": "delete", "uid": c.Owner.GetUID()}, nil)
	if apierrors.IsInvalid(err) {
		return nil // the reference is gone already, or the object is another one
	}
	return err
}

func (c Claim) patch(ctx context.Context, obj metav1.Object, ownerReference any, finalizers []string) error {
	patch, err := json.Marshal(map[string]any{"metadata": struct {
		UID             types.UID `json:"uid"`
		OwnerReferences []any     `json:"ownerReferences"`
		Finalizers      []string  `json:"finalizers,omitempty"`
	}{obj.GetUID(), []any{ownerReference}, finalizers}})
	if err != nil {
		return fmt.Errorf("patch owner references of %s: %w", obj.GetName(), err)
	}
	return c.Patch(ctx, obj.GetName(), patch)
}
