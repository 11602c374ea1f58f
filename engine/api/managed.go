package api

import (
	"errors"

	"k8s.io/apimachinery/pkg/util/managedfields"
)

// FieldManager keeps metadata.managedFields for writes to the resource (subresource "") or to a subresource ("status", "scale").
// It is made on first use, which costs some tens of milliseconds for the first kind, and shared.
func (r *Resource) FieldManager(subresource string) (*managedfields.FieldManager, error) {
	return nil, errors.New("not yet")
}
