package api

import (
	"errors"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
)

// SelectableFields is what a field selector is matched against: metadata.name, metadata.namespace where there is one, and the
// kind's own ("spec.nodeName").
func (r *Resource) SelectableFields(obj runtime.Object) (fields.Set, error) {
	return nil, errors.New("not yet")
}

// FieldSelector rewrites a parsed field selector to the names that SelectableFields uses. A field that cannot be selected on is
// BadRequest, in upstream's words: field label not supported: spec.foo.
func (r *Resource) FieldSelector(selector fields.Selector) (fields.Selector, error) {
	return nil, errors.New("not yet")
}
