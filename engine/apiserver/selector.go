package apiserver

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	internalscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	internalvalidation "k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// listOptions reads and checks the query of a list, a watch or a deletecollection. A name in the path narrows it like a
// field selector on metadata.name.
func (q *call) listOptions() (*internalversion.ListOptions, error) {
	options := &internalversion.ListOptions{}
	err := internalscheme.ParameterCodec.DecodeParameters(q.r.URL.Query(), metav1.SchemeGroupVersion, options)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	internalversion.SetListOptionsDefaults(options, true)
	if errs := internalvalidation.ValidateListOptions(options, true); len(errs) > 0 {
		return nil, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	if err := q.checkFieldSelector(options); err != nil {
		return nil, err
	}
	return options, q.narrowToName(options)
}

func (q *call) checkFieldSelector(options *internalversion.ListOptions) error {
	if options.FieldSelector == nil {
		return nil
	}
	selector, err := q.kind.FieldSelector(options.FieldSelector)
	options.FieldSelector = selector
	return err
}

func (q *call) narrowToName(options *internalversion.ListOptions) error {
	if q.info.Name == "" {
		return nil
	}
	if options.FieldSelector == nil || options.FieldSelector.Empty() {
		options.FieldSelector = fields.OneTermEqualSelector("metadata.name", q.info.Name)
		return nil
	}
	if selected, ok := options.FieldSelector.RequiresExactMatch("metadata.name"); !ok || selected != q.info.Name {
		return apierrors.NewBadRequest("fieldSelector metadata.name doesn't match requested name")
	}
	return nil
}

// selection is which objects of a kind a request is about.
type selection struct {
	kind      *api.Resource
	namespace string // empty: all
	name      string // empty: all; set when the field selector asks for exactly one
	labels    labels.Selector
	fields    fields.Selector
}

func selectionOf(q *call, options *internalversion.ListOptions) selection {
	sel := selection{kind: q.kind, namespace: q.info.Namespace, labels: labels.Everything(), fields: fields.Everything()}
	if !q.kind.Namespaced {
		sel.namespace = ""
	}
	if options.LabelSelector != nil {
		sel.labels = options.LabelSelector
	}
	if options.FieldSelector != nil {
		sel.fields = options.FieldSelector
	}
	if namespace, ok := sel.fields.RequiresExactMatch("metadata.namespace"); ok && sel.namespace == "" && q.kind.Namespaced {
		sel.namespace = namespace
	}
	sel.name, _ = sel.fields.RequiresExactMatch("metadata.name")
	return sel
}

// everything reports whether no selector is set, so that counting keys counts objects.
func (sel selection) everything() bool { return sel.labels.Empty() && sel.fields.Empty() }

// prefix is the narrowest beginning of keys that holds every selected object. It may hold others.
func (sel selection) prefix() string {
	if sel.name != "" && (sel.namespace != "" || !sel.kind.Namespaced) {
		return objectKey(sel.kind, sel.namespace, sel.name)
	}
	return prefixKey(sel.kind, sel.namespace)
}

func (sel selection) matches(e *entry) (bool, error) {
	if !sel.labels.Empty() && !sel.labels.Matches(labels.Set(e.meta.GetLabels())) {
		return false, nil
	}
	if sel.fields.Empty() {
		return true, nil
	}
	if sel.name != "" && e.meta.GetName() != sel.name {
		return false, nil
	}
	set, err := e.fields()
	if err != nil {
		return false, fmt.Errorf("read the selectable fields of %s: %w", e.meta.GetName(), err)
	}
	return sel.fields.Matches(set), nil
}
