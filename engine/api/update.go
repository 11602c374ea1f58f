package api

import (
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// BeforeUpdate makes obj, in place, what the server stores in place of old: what the update may not touch is taken from old,
// the generation is raised when the spec changed, the rest is validated. subresource is "" for the object itself, else
// "status" or "finalize". obj must be defaulted, and old is not changed. It returns warnings, or a status error with
// upstream's words.
func (r *Resource) BeforeUpdate(namespace, subresource string, obj, old runtime.Object) (warnings []string, err error) {
	change, ok := r.strategy.change(subresource)
	if !ok {
		return nil, errors.NewMethodNotSupported(r.GroupResource(), "update")
	}
	accessor, oldMeta, err := accessors(obj, old)
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	if err := r.matchNamespace(namespace, accessor); err != nil {
		return nil, err
	}
	accessor.SetGeneration(oldMeta.GetGeneration())
	in, oldIn, err := r.bothInternal(obj, old)
	if err != nil {
		return nil, errors.NewBadRequest(err.Error())
	}
	change.prepare(in, oldIn)
	inMeta, err := meta.Accessor(in)
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	keepSystemFields(inMeta, oldMeta)
	if errs := r.validateUpdate(subresource, change, in, oldIn); len(errs) > 0 {
		return nil, errors.NewInvalid(r.GVK().GroupKind(), accessor.GetName(), errs)
	}
	warnings = change.warn(in, oldIn)
	r.strategy.canonicalize(in)
	if err := r.replace(obj, in); err != nil {
		return nil, errors.NewInternalError(err)
	}
	return warnings, nil
}

func (r *Resource) bothInternal(obj, old runtime.Object) (in, oldIn runtime.Object, err error) {
	if in, err = r.toInternal(obj); err != nil {
		return nil, nil, err
	}
	oldIn, err = r.toInternal(old)
	return in, oldIn, err
}

func accessors(obj, old runtime.Object) (accessor, oldMeta metav1.Object, err error) {
	if accessor, err = meta.Accessor(obj); err != nil {
		return nil, nil, err
	}
	oldMeta, err = meta.Accessor(old)
	return accessor, oldMeta, err
}

// keepSystemFields undoes what an update can never change.
func keepSystemFields(accessor, old metav1.Object) {
	if accessor.GetUID() == "" {
		accessor.SetUID(old.GetUID())
	}
	if created := old.GetCreationTimestamp(); !created.IsZero() {
		accessor.SetCreationTimestamp(created)
	}
	if !old.GetDeletionTimestamp().IsZero() {
		accessor.SetDeletionTimestamp(old.GetDeletionTimestamp())
	}
	if old.GetDeletionGracePeriodSeconds() != nil && accessor.GetDeletionGracePeriodSeconds() == nil {
		accessor.SetDeletionGracePeriodSeconds(old.GetDeletionGracePeriodSeconds())
	}
}

func (r *Resource) validateUpdate(subresource string, change changer, in, old runtime.Object) field.ErrorList {
	accessor, oldMeta, err := accessors(in, old)
	metadata := field.NewPath("metadata")
	if err != nil {
		return field.ErrorList{field.InternalError(metadata, err)}
	}
	errs := genericvalidation.ValidateObjectMetaAccessor(accessor, r.Namespaced, pathSegment, metadata)
	errs = append(errs, genericvalidation.ValidateObjectMetaAccessorUpdate(accessor, oldMeta, metadata)...)
	errs = append(errs, change.validate(in, old)...)
	return r.validateGenerated(subresource, in, old, errs)
}
