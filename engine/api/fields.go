package api

import (
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
)

// SelectableFields is what a field selector is matched against: metadata.name, metadata.namespace where there is one, and the
// kind's own ("spec.nodeName"). obj is of r's type and is only read.
func (r *Resource) SelectableFields(obj runtime.Object) (fields.Set, error) {
	in, err := r.viewInternal(obj)
	if err != nil {
		return nil, err
	}
	accessor, err := meta.Accessor(in)
	if err != nil {
		return nil, err
	}
	set := r.strategy.selectable(in)
	set["metadata.name"] = accessor.GetName()
	if r.Namespaced {
		set["metadata.namespace"] = accessor.GetNamespace()
	}
	return set, nil
}

// FieldSelector rewrites a parsed field selector to the names that SelectableFields uses. A field that cannot be selected on is
// BadRequest, in upstream's words: field label not supported: spec.foo.
func (r *Resource) FieldSelector(selector fields.Selector) (fields.Selector, error) {
	if selector == nil {
		return nil, nil
	}
	converted, err := selector.Transform(func(label, value string) (string, string, error) {
		return internal.ConvertFieldLabel(r.GVK(), label, value)
	})
	if err != nil {
		return nil, errors.NewBadRequest(err.Error())
	}
	return converted, nil
}
