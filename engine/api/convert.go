package api

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ToStorage converts an object of r's type to the type it is stored as. It is obj itself for all kinds but events.k8s.io/v1.
func (r *Resource) ToStorage(obj runtime.Object) (runtime.Object, error) {
	return convert(obj, r.GroupVersion(), r.Storage.GroupVersion())
}

// FromStorage converts a stored object, or a list of them, to r's type.
func (r *Resource) FromStorage(obj runtime.Object) (runtime.Object, error) {
	return convert(obj, r.Storage.GroupVersion(), r.GroupVersion())
}

// convert goes by way of the internal type: upstream writes conversions between a version and the internal type only.
func convert(obj runtime.Object, from, to schema.GroupVersion) (runtime.Object, error) {
	if from == to {
		return obj, nil
	}
	in, err := internal.ConvertToVersion(obj.DeepCopyObject(), internalOf(from))
	if err != nil {
		return nil, fmt.Errorf("convert %T from %s: %w", obj, from, err)
	}
	out, err := internal.ConvertToVersion(in, to)
	if err != nil {
		return nil, fmt.Errorf("convert %T to %s: %w", obj, to, err)
	}
	return out, nil
}

func internalOf(gv schema.GroupVersion) schema.GroupVersion {
	return schema.GroupVersion{Group: gv.Group, Version: runtime.APIVersionInternal}
}

// toInternal converts a copy, because conversion shares memory and strategies change what they get.
func (r *Resource) toInternal(obj runtime.Object) (runtime.Object, error) {
	in, err := internal.ConvertToVersion(obj.DeepCopyObject(), internalOf(r.GroupVersion()))
	if err != nil {
		return nil, fmt.Errorf("convert %s %s: %w", r.GroupVersion(), r.Kind, err)
	}
	return in, nil
}

// viewInternal converts for reading only: the result shares memory with obj.
func (r *Resource) viewInternal(obj runtime.Object) (runtime.Object, error) {
	in, err := internal.UnsafeConvertToVersion(obj, internalOf(r.GroupVersion()))
	if err != nil {
		return nil, fmt.Errorf("convert %s %s: %w", r.GroupVersion(), r.Kind, err)
	}
	return in, nil
}

// replace overwrites obj with the external form of in.
func (r *Resource) replace(obj, in runtime.Object) error {
	out, err := internal.ConvertToVersion(in, r.GroupVersion())
	if err != nil {
		return fmt.Errorf("convert %s to %s: %w", r.Kind, r.GroupVersion(), err)
	}
	target, source := reflect.ValueOf(obj), reflect.ValueOf(out)
	if target.Type() != source.Type() {
		return fmt.Errorf("got a %s where %s takes a %s", target.Type(), r.Resource, source.Type())
	}
	target.Elem().Set(source.Elem())
	return nil
}
