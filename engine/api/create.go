package api

import (
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/storage/names"
)

// Default fills in, in place, what upstream fills in for a field that was left out. It is idempotent.
func (r *Resource) Default(obj runtime.Object) {
	internal.Default(obj)
}

// BeforeCreate makes obj, in place, what the server stores for it: name from generateName, uid, creation time, namespace, first
// status and generation. It expects a defaulted object of r's type and returns warnings for the client, or a status error
// with upstream's words: BadRequest for a wrong namespace, Invalid with all bad fields.
// When the store answers that a generated name is taken, clear the name and call again.
func (r *Resource) BeforeCreate(namespace string, obj runtime.Object) (warnings []string, err error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	if err := r.matchNamespace(namespace, accessor); err != nil {
		return nil, err
	}
	fillSystemFields(accessor)
	in, err := r.toInternal(obj)
	if err != nil {
		return nil, errors.NewBadRequest(err.Error())
	}
	r.strategy.prepareCreate(in)
	if errs := r.validateCreate(in); len(errs) > 0 {
		return nil, errors.NewInvalid(r.GVK().GroupKind(), accessor.GetName(), errs)
	}
	warnings = r.strategy.warnCreate(in)
	r.strategy.canonicalize(in)
	if err := r.replace(obj, in); err != nil {
		return nil, errors.NewInternalError(err)
	}
	return warnings, nil
}

// fillSystemFields sets what no client may choose for itself.
func fillSystemFields(accessor metav1.Object) {
	accessor.SetDeletionTimestamp(nil)
	accessor.SetDeletionGracePeriodSeconds(nil)
	accessor.SetSelfLink("")
	now := metav1.Now()
	accessor.SetCreationTimestamp(now.Rfc3339Copy())
	accessor.SetUID(uuid.NewUUID())
	if accessor.GetName() == "" && accessor.GetGenerateName() != "" {
		accessor.SetName(names.SimpleNameGenerator.GenerateName(accessor.GetGenerateName()))
	}
}

// matchNamespace sets the request's namespace where the object names none, and refuses another one.
func (r *Resource) matchNamespace(namespace string, accessor metav1.Object) error {
	if !r.Namespaced {
		namespace = ""
	}
	switch accessor.GetNamespace() {
	case namespace:
		return nil
	case "":
		accessor.SetNamespace(namespace)
		return nil
	}
	if namespace == "" {
		accessor.SetNamespace("")
		return nil
	}
	return errors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
}

// validateCreate runs upstream's rules in upstream's order: the kind's own, then those of all metadata, then the generated ones.
func (r *Resource) validateCreate(in runtime.Object) field.ErrorList {
	errs := r.strategy.validateCreate(in)
	if len(errs) == 0 {
		accessor, err := meta.Accessor(in)
		if err != nil {
			return field.ErrorList{field.InternalError(field.NewPath("metadata"), err)}
		}
		errs = genericvalidation.ValidateObjectMetaAccessor(accessor, r.Namespaced, pathSegment, field.NewPath("metadata"))
	}
	return r.validateGenerated("", in, nil, errs)
}

// pathSegment is the rule that every name keeps: it must fit between two slashes of a URL.
func pathSegment(name string, prefix bool) []string {
	if prefix {
		return content.IsPathSegmentPrefix(name)
	}
	return content.IsPathSegmentName(name)
}
