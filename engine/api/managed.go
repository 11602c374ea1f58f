package api

import (
	"fmt"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// managers holds one field manager for each resource and subresource that has been written to.
var managers sync.Map // managerKey to func() (*managedfields.FieldManager, error)

type managerKey struct {
	resource    schema.GroupVersionResource
	subresource string
}

// FieldManager keeps metadata.managedFields for writes to the resource (subresource "") or to a subresource ("status", "scale",
// which manages Scale objects). It is made on first use and shared. Objects must have their apiVersion and kind set;
// Apply returns an external object.
func (r *Resource) FieldManager(subresource string) (*managedfields.FieldManager, error) {
	key := managerKey{r.GroupVersionResource, subresource}
	entry, ok := managers.Load(key)
	if !ok {
		entry, _ = managers.LoadOrStore(key, sync.OnceValues(func() (*managedfields.FieldManager, error) {
			return r.newFieldManager(subresource)
		}))
	}
	return entry.(func() (*managedfields.FieldManager, error))()
}

func (r *Resource) newFieldManager(subresource string) (*managedfields.FieldManager, error) {
	kind, reset := r.GVK(), map[fieldpath.APIVersion]fieldpath.Filter{}
	if subresource == "scale" {
		kind = scaleKind
	} else {
		change, ok := r.strategy.change(subresource)
		if !ok {
			return nil, fmt.Errorf("field manager for %s/%s: no such update", r.Resource, subresource)
		}
		reset[fieldpath.APIVersion(r.GroupVersion().String())] = ownable(change)
	}
	types := typeConverter()
	if _, err := types.ObjectToTyped(newObject(kind)); err != nil {
		// client-go's schema has no Scale; its fields are all scalars, for which no schema is needed.
		types = managedfields.NewDeducedTypeConverter()
	}
	manager, err := managedfields.NewDefaultFieldManager(types, versionConverter{}, internal, internal,
		kind, kind.GroupVersion(), subresource, reset)
	if err != nil {
		return nil, fmt.Errorf("field manager for %s/%s: %w", r.Resource, subresource, err)
	}
	return manager, nil
}

// ownable lets a writer own what its kind of update can change.
func ownable(change changer) fieldpath.Filter {
	only := change.onlyFields()
	if only == nil {
		return fieldpath.NewExcludeSetFilter(pathSet(change.resetFields()))
	}
	var patterns []*fieldpath.SetMatcher
	for _, path := range only {
		var parts []any
		for part := range strings.SplitSeq(path, ".") {
			if part == "*" {
				parts = append(parts, fieldpath.MatchAnyPathElement())
				continue
			}
			parts = append(parts, part)
		}
		patterns = append(patterns, fieldpath.MakePrefixMatcherOrDie(parts...))
	}
	return fieldpath.NewIncludeMatcherFilter(patterns...)
}

// pathSet makes "metadata.labels" a field path.
func pathSet(paths []string) *fieldpath.Set {
	set := fieldpath.NewSet()
	for _, path := range paths {
		var parts []any
		for part := range strings.SplitSeq(path, ".") {
			parts = append(parts, part)
		}
		set.Insert(fieldpath.MakePathOrDie(parts...))
	}
	return set
}

// versionConverter converts between external versions for a field manager, whose hub is the external type, not the internal one:
// what it returns is what the rest of this project works with.
type versionConverter struct{}

// ConvertToVersion returns upstream's errors as they are: a field manager drops owners in a version that is not registered, and
// looks at the error's type to tell.
func (versionConverter) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	kinds, _, err := internal.ObjectKinds(in)
	if err != nil {
		return nil, err
	}
	to, ok := target.(schema.GroupVersion)
	if !ok || kinds[0].GroupVersion() == to {
		return internal.UnsafeConvertToVersion(in, target)
	}
	hub, err := internal.ConvertToVersion(in, internalOf(kinds[0].GroupVersion()))
	if err != nil {
		return nil, err
	}
	return internal.ConvertToVersion(hub, to)
}

func (versionConverter) Convert(in, out, context any) error {
	return internal.Convert(in, out, context)
}

func (versionConverter) ConvertFieldLabel(gvk schema.GroupVersionKind, label, value string) (string, string, error) {
	return internal.ConvertFieldLabel(gvk, label, value)
}
