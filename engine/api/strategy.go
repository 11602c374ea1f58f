package api

import (
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// strategy is what a kind does to its own objects on their way in. All objects are upstream's internal types.
type strategy interface {
	prepareCreate(obj runtime.Object)
	validateCreate(obj runtime.Object) field.ErrorList
	warnCreate(obj runtime.Object) []string
	canonicalize(obj runtime.Object)
	// change tells what an update of the object (subresource "") or of a subresource may do; false: no such update.
	change(subresource string) (changer, bool)
	selectable(obj runtime.Object) fields.Set
	// scaled finds what the scale subresource shows; nil for kinds without one.
	scaled(obj runtime.Object) *scaleParts
	// options are the switches that upstream's generated validation asks for by name.
	options() map[string]bool
}

// changer is the way one kind of update goes.
type changer interface {
	prepare(obj, old runtime.Object)
	validate(obj, old runtime.Object) field.ErrorList
	warn(obj, old runtime.Object) []string
	// resetFields are the paths that this update ignores, "status" or "metadata.labels", so that nobody comes to own them by it.
	resetFields() []string
	// onlyFields are the paths, "*" for any list item, that this update can touch at all; nil when it is not so narrow.
	onlyFields() []string
}

// rules is a strategy written down as a list of functions; a kind fills in those it needs. T is a pointer to an internal type.
type rules[T runtime.Object] struct {
	create       func(obj T)
	validate     func(obj T) field.ErrorList
	warn         func(obj T) []string
	canonical    func(obj T)
	update       change[T]
	subresources map[string]change[T]
	fields       func(obj T) fields.Set
	scale        func(obj T) *scaleParts
	switches     func() map[string]bool
}

// change is a changer written down as a list of functions.
type change[T runtime.Object] struct {
	prepareFunc  func(obj, old T)
	validateFunc func(obj, old T) field.ErrorList
	warnFunc     func(obj, old T) []string
	reset        []string
	only         []string
}

func (r rules[T]) prepareCreate(obj runtime.Object) {
	if r.create != nil {
		r.create(obj.(T))
	}
}

func (r rules[T]) validateCreate(obj runtime.Object) field.ErrorList {
	return r.validate(obj.(T))
}

func (r rules[T]) warnCreate(obj runtime.Object) []string {
	if r.warn == nil {
		return nil
	}
	return r.warn(obj.(T))
}

func (r rules[T]) canonicalize(obj runtime.Object) {
	if r.canonical != nil {
		r.canonical(obj.(T))
	}
}

func (r rules[T]) change(subresource string) (changer, bool) {
	if subresource == "" {
		return r.update, true
	}
	c, ok := r.subresources[subresource]
	return c, ok
}

func (r rules[T]) selectable(obj runtime.Object) fields.Set {
	if r.fields == nil {
		return fields.Set{}
	}
	return r.fields(obj.(T))
}

func (r rules[T]) scaled(obj runtime.Object) *scaleParts {
	if r.scale == nil {
		return nil
	}
	return r.scale(obj.(T))
}

func (r rules[T]) options() map[string]bool {
	if r.switches == nil {
		return nil
	}
	return r.switches()
}

func (c change[T]) prepare(obj, old runtime.Object) {
	if c.prepareFunc != nil {
		c.prepareFunc(obj.(T), old.(T))
	}
}

func (c change[T]) validate(obj, old runtime.Object) field.ErrorList {
	return c.validateFunc(obj.(T), old.(T))
}

func (c change[T]) warn(obj, old runtime.Object) []string {
	if c.warnFunc == nil {
		return nil
	}
	return c.warnFunc(obj.(T), old.(T))
}

func (c change[T]) resetFields() []string { return c.reset }

func (c change[T]) onlyFields() []string { return c.only }
