package apiserver

import (
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	internalscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// respondTransformed answers with objects as something else: a Table for kubectl get, or their metadata alone. list is nil
// when the answer is about one object.
func (s *Server) respondTransformed(q *call, code int, items []*entry, list *metav1.ListMeta) error {
	obj, err := transformed(q, items, list)
	if err != nil {
		return err
	}
	body, err := q.form.encode(obj)
	if err != nil {
		return err
	}
	contentType := q.form.media
	q.respond(code, contentType, body)
	return nil
}

func transformed(q *call, items []*entry, list *metav1.ListMeta) (runtime.Object, error) {
	if q.form.as.Kind == "Table" {
		maker, err := newTableMaker(q)
		if err != nil {
			return nil, err
		}
		return maker.page(items, list)
	}
	if list == nil {
		if q.form.as.Kind != "PartialObjectMetadata" {
			return nil, notAcceptable(ours)
		}
		return partialMetadata(items[0], q.form.as.GroupVersion()), nil
	}
	if q.form.as.Kind != "PartialObjectMetadataList" {
		return nil, notAcceptable(ours)
	}
	gvk := q.form.as.GroupVersion().WithKind("PartialObjectMetadata")
	out := &metav1.PartialObjectMetadataList{ListMeta: *list, Items: make([]metav1.PartialObjectMetadata, 0, len(items))}
	out.SetGroupVersionKind(*q.form.as)
	for _, e := range items {
		item := partialMetadata(e, gvk.GroupVersion())
		out.Items = append(out.Items, *item)
	}
	return out, nil
}

// partialMetadata is an object with nothing but its metadata.
func partialMetadata(e *entry, gv schema.GroupVersion) *metav1.PartialObjectMetadata {
	out := &metav1.PartialObjectMetadata{}
	if accessor, ok := e.obj.(metav1.ObjectMetaAccessor); ok {
		if full, ok := accessor.GetObjectMeta().(*metav1.ObjectMeta); ok {
			full.DeepCopyInto(&out.ObjectMeta)
		}
	}
	out.SetGroupVersionKind(gv.WithKind("PartialObjectMetadata"))
	return out
}

// tableMaker prints objects of one request as tables.
type tableMaker struct {
	q       *call
	options metav1.TableOptions
}

func newTableMaker(q *call) (*tableMaker, error) {
	m := &tableMaker{q: q}
	if err := internalscheme.ParameterCodec.DecodeParameters(q.r.URL.Query(), metav1.SchemeGroupVersion, &m.options); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if errs := metavalidation.ValidateTableOptions(&m.options); len(errs) > 0 {
		texts := make([]string, 0, len(errs))
		for _, err := range errs {
			texts = append(texts, err.Error())
		}
		return nil, apierrors.NewBadRequest("Unable to convert to Table as requested: " + strings.Join(texts, ", "))
	}
	return m, nil
}

// page is one table of all items.
func (m *tableMaker) page(items []*entry, list *metav1.ListMeta) (*metav1.Table, error) {
	whole := &metav1.Table{Rows: []metav1.TableRow{}}
	options := m.options
	if m.q.kind == storageClassKind && list != nil && len(items) > 0 {
		return m.together(items, list)
	}
	for _, e := range items {
		table, err := m.q.kind.Table(e.obj, &options)
		if err != nil {
			return nil, fmt.Errorf("print %s %s: %w", m.q.kind.Resource, e.meta.GetName(), err)
		}
		if whole.ColumnDefinitions == nil {
			whole.ColumnDefinitions = table.ColumnDefinitions
		}
		whole.Rows = append(whole.Rows, table.Rows...)
		options.NoHeaders = true // the columns are the same for all
	}
	if len(items) == 0 {
		empty, err := m.q.kind.Table(m.q.kind.NewList(), &options)
		if err != nil {
			return nil, err
		}
		whole.ColumnDefinitions = empty.ColumnDefinitions
	}
	switch {
	case list != nil:
		whole.ListMeta = *list
	case len(items) == 1:
		whole.ResourceVersion = items[0].meta.GetResourceVersion()
	}
	return m.dress(whole), nil
}

// together is one table of all items, printed as a list: which of several storage classes is the default can be told from all alone.
func (m *tableMaker) together(items []*entry, list *metav1.ListMeta) (*metav1.Table, error) {
	objects := make([]runtime.Object, len(items))
	for i, e := range items {
		objects[i] = e.obj
	}
	all := m.q.kind.NewList()
	if err := meta.SetList(all, objects); err != nil {
		return nil, fmt.Errorf("print %s: %w", m.q.kind.Resource, err)
	}
	table, err := m.q.kind.Table(all, &m.options)
	if err != nil {
		return nil, err
	}
	table.ListMeta = *list
	return m.dress(table), nil
}

// make is the table of one event. The first one brings the columns, the others only rows; a bookmark has no row at all.
func (m *tableMaker) make(e *entry, bookmark bool) (*metav1.Table, error) {
	if bookmark {
		table, err := m.q.kind.Table(m.q.kind.NewList(), &m.options)
		if err != nil {
			return nil, err
		}
		table.Rows = []metav1.TableRow{{Cells: []any{}, Object: runtime.RawExtension{Object: partialMetadata(e, m.q.form.as.GroupVersion())}}}
		table.ResourceVersion = e.meta.GetResourceVersion()
		m.options.NoHeaders = true
		return m.dress(table), nil
	}
	table, err := m.page([]*entry{e}, nil)
	m.options.NoHeaders = true
	return table, err
}

// dress names the version of the table that was asked for, in the table and in the metadata inside its rows.
func (m *tableMaker) dress(table *metav1.Table) *metav1.Table {
	table.SetGroupVersionKind(*m.q.form.as)
	for i := range table.Rows {
		if partial, ok := table.Rows[i].Object.Object.(*metav1.PartialObjectMetadata); ok {
			partial.SetGroupVersionKind(m.q.form.as.GroupVersion().WithKind("PartialObjectMetadata"))
		}
	}
	return table
}
