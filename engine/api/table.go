package api

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/printers"
	"k8s.io/kubernetes/pkg/printers/internalversion"
)

// printer is upstream's set of columns, made on first use: it is a hundred-odd functions found by reflection.
var printer = sync.OnceValue(func() printers.TableGenerator {
	return printers.NewTableGenerator().With(internalversion.AddHandlers)
})

// Table shows an object or a list of r's type as kubectl's columns, the wide ones with priority 1. Rows carry the metadata of
// their object, the object, or nothing, as options.IncludeObject says; nil options are the default (metadata).
// options.NoHeaders leaves the column definitions out, as the second and later events of a watch do. obj is only read, and what
// the table carries of it is shared with it.
func (r *Resource) Table(obj runtime.Object, options *metav1.TableOptions) (*metav1.Table, error) {
	if options == nil {
		options = &metav1.TableOptions{}
	}
	in, err := r.viewInternal(obj)
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	var table *metav1.Table
	if r.plain {
		table, err = plainTable(in, !options.NoHeaders)
	} else {
		table, err = printer().GenerateTable(in, printers.GenerateOptions{Wide: true, NoHeaders: options.NoHeaders})
	}
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	table.SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("Table"))
	for i := range table.Rows {
		if err := r.include(&table.Rows[i], options.IncludeObject); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// include replaces the internal object that the printer put into a row by what the client asked for.
func (r *Resource) include(row *metav1.TableRow, policy metav1.IncludeObjectPolicy) error {
	switch policy {
	case metav1.IncludeNone:
		row.Object.Object = nil
		return nil
	case metav1.IncludeObject:
		obj, err := internal.UnsafeConvertToVersion(row.Object.Object, r.GroupVersion())
		if err != nil {
			return errors.NewInternalError(err)
		}
		row.Object.Object = obj
		return nil
	case metav1.IncludeMetadata, "":
		accessor, err := meta.Accessor(row.Object.Object)
		if err != nil {
			return errors.NewInternalError(err)
		}
		partial := meta.AsPartialObjectMetadata(accessor)
		partial.SetGroupVersionKind(metav1.SchemeGroupVersion.WithKind("PartialObjectMetadata"))
		row.Object.Object = partial
		return nil
	}
	return errors.NewBadRequest(fmt.Sprintf("unrecognized includeObject value: %q", policy))
}
