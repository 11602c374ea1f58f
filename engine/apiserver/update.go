package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"drydock/engine/api"
)

// update answers a PUT: the body takes the place of the object.
func (s *Server) update(q *call) error {
	if q.info.Name == "" {
		return methodNotAllowed()
	}
	options := &metav1.UpdateOptions{}
	check := func() field.ErrorList { return metavalidation.ValidateUpdateOptions(options) }
	if err := q.query(options, check, "UpdateOptions"); err != nil {
		return err
	}
	obj, err := q.decodeObject(options.FieldValidation)
	if err != nil {
		return err
	}
	if err := q.checkName(obj); err != nil {
		return err
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return internalError(err)
	}
	if err := matchNamespace(q.kind, q.info.Namespace, accessor); err != nil {
		return err
	}
	by := q.writer(options.FieldManager, options.DryRun)
	dedupOwners(accessor, by.warn, false)
	return s.respondUpdate(q, update{
		by: by, uid: accessor.GetUID(), createMissing: q.kind.CreateOnUpdate && q.info.Subresource == "", action: "Update",
		compute: func(live runtime.Object) (runtime.Object, error) {
			return s.ownUpdate(q.kind, live, obj.DeepCopyObject(), by)
		},
	})
}

// ownUpdate notes in managedFields what the writer changed.
func (s *Server) ownUpdate(kind *api.Resource, live, obj runtime.Object, by writer) (runtime.Object, error) {
	manager, err := kind.FieldManager(by.subresource)
	if err != nil {
		return nil, internalError(err)
	}
	return manager.UpdateNoErrors(live, obj, by.manager), nil
}

// respondUpdate makes the update and answers with what is there now.
func (s *Server) respondUpdate(q *call, u update) error {
	e, created, err := s.updateObject(q.ctx(), q.target(), u)
	if err != nil {
		return err
	}
	if created {
		return s.respondEntry(q, http.StatusCreated, e)
	}
	return s.respondEntry(q, http.StatusOK, e)
}

// update is one wish to change an object.
type update struct {
	by     writer
	action string // the verb for the decision record
	// uid, when set, is which of all objects of this name the wish is about.
	uid types.UID
	// createMissing lets the wish make an object that is not there.
	createMissing bool
	// compute returns what should stand in place of live, a copy that it may change. It runs again when somebody else was
	// faster. For an object that does not exist live is empty.
	compute func(live runtime.Object) (runtime.Object, error)
}

// updateObject changes an object, trying again while others change it too, unless the wish named the version it was made
// for: then another version is a Conflict.
func (s *Server) updateObject(ctx context.Context, t target, u update) (e *entry, created bool, err error) {
	for {
		old, err := s.stored(ctx, t)
		switch {
		case apierrors.IsNotFound(err) && u.createMissing:
			e, err = s.createByUpdate(ctx, t, u)
			if apierrors.IsAlreadyExists(err) {
				continue
			}
			return e, true, err
		case err != nil:
			return nil, false, err
		}
		e, err = s.updateOnce(ctx, t, old, u)
		if errors.Is(err, errRaced) && ctx.Err() == nil {
			continue
		}
		return e, false, err
	}
}

// errRaced says that somebody else wrote between our read and our write.
var errRaced = errors.New("the object changed between read and write")

func (s *Server) createByUpdate(ctx context.Context, t target, u update) (*entry, error) {
	obj, err := u.compute(t.kind.New())
	if err != nil {
		return nil, err
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, internalError(err)
	}
	if uid := accessor.GetUID(); uid != "" {
		return nil, apierrors.NewConflict(t.kind.GroupResource(), t.name,
			fmt.Errorf("uid mismatch: the provided object specified uid %s, and no existing object was found", uid))
	}
	wipeSystemFields(accessor)
	if err := matchNamespace(t.kind, t.namespace, accessor); err != nil {
		return nil, err
	}
	attributes := admission{kind: t.kind, namespace: t.namespace, name: t.name, operation: operationCreate, obj: obj, by: u.by}
	if err := s.admit(ctx, attributes); err != nil {
		return nil, err
	}
	settle, err := s.allocate(obj, nil, u.by)
	if err != nil {
		return nil, err
	}
	e, err := s.finishCreate(ctx, t.kind, t.namespace, obj, u.by)
	settle(err == nil && !u.by.dryRun)
	return e, err
}

func (s *Server) updateOnce(ctx context.Context, t target, old *entry, u update) (*entry, error) {
	if u.uid != "" && u.uid != old.meta.GetUID() {
		return nil, apierrors.NewConflict(t.kind.GroupResource(), t.name, fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", u.uid, old.meta.GetUID())) //nolint:staticcheck // upstream's text
	}
	obj, err := u.compute(old.obj.DeepCopyObject())
	if err != nil {
		return nil, err
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, internalError(err)
	}
	attributes := admission{kind: t.kind, namespace: t.namespace, name: t.name, operation: operationUpdate, obj: obj, old: old.obj, by: u.by}
	if err := s.admit(ctx, attributes); err != nil {
		return nil, err
	}
	dedupOwners(accessor, u.by.warn, true)
	if err := checkVersion(t, accessor, old); err != nil {
		return nil, err
	}
	settle, err := s.allocate(obj, old.obj, u.by)
	if err != nil {
		return nil, err
	}
	e, err := s.finishUpdate(ctx, t, old, obj, u)
	settle(err == nil && !u.by.dryRun)
	return e, err
}

// checkVersion is optimistic concurrency: a wish that names a version is only good for that version.
func checkVersion(t target, accessor metav1.Object, old *entry) error {
	current := strconv.FormatInt(old.revision, 10)
	switch accessor.GetResourceVersion() {
	case current:
		return nil
	case "", "0":
		if !t.kind.VersionRequired {
			accessor.SetResourceVersion(current)
			return nil
		}
		gr := t.kind.GroupResource()
		return apierrors.NewInvalid(schema.GroupKind{Group: gr.Group, Kind: gr.Resource}, t.name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "resourceVersion"), 0, "must be specified for an update"),
		})
	}
	return conflict(t.kind.GroupResource(), t.name)
}

func (s *Server) finishUpdate(ctx context.Context, t target, old *entry, obj runtime.Object, u update) (*entry, error) {
	warnings, err := t.kind.BeforeUpdate(t.namespace, strategyOf(u.by.subresource), obj, old.obj)
	if err != nil {
		return nil, err
	}
	u.by.warn(warnings...)
	attributes := admission{kind: t.kind, namespace: t.namespace, name: t.name, operation: operationUpdate, obj: obj, old: old.obj, by: u.by}
	if err := s.approve(ctx, attributes); err != nil {
		return nil, err
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, internalError(err)
	}
	forgetIdleTimes(accessor, obj, old)
	if endsObject(t.kind, obj, old) {
		return s.removeByUpdate(ctx, t, old, obj, u)
	}
	if u.by.dryRun {
		return unstored(t, obj, old)
	}
	e, err := s.overwrite(ctx, t, old, obj)
	if apierrors.IsConflict(err) {
		return nil, errRaced
	}
	if err != nil {
		return nil, err
	}
	if e != old {
		s.record(u.by, t, change{action: u.action, before: old, after: e})
	}
	return e, nil
}

// strategyOf is which of the kind's rules apply: a scale is an update of the whole object.
func strategyOf(subresource string) string {
	if subresource == "scale" {
		return ""
	}
	return subresource
}

// removeByUpdate deletes an object whose last finalizer has just been taken away. The client still gets its object.
func (s *Server) removeByUpdate(ctx context.Context, t target, old *entry, obj runtime.Object, u update) (*entry, error) {
	e, err := unstored(t, obj, old)
	if err != nil || u.by.dryRun {
		return e, err
	}
	if _, err := s.erase(ctx, t, old); err != nil {
		switch {
		case apierrors.IsConflict(err):
			return nil, errRaced
		case !apierrors.IsNotFound(err):
			return nil, err
		}
	}
	s.releaseOf(old.obj)
	s.record(u.by, t, change{action: "Delete", before: old})
	return e, nil
}

// endsObject tells whether an update finishes a deletion that was waiting for finalizers alone.
func endsObject(kind *api.Resource, obj runtime.Object, old *entry) bool {
	accessor, err := meta.Accessor(obj)
	if err != nil || len(accessor.GetFinalizers()) > 0 || old.meta.GetDeletionTimestamp() == nil || !kind.Finalized(obj) {
		return false
	}
	grace := old.meta.GetDeletionGracePeriodSeconds()
	return grace == nil || *grace == 0
}
