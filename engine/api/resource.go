package api

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is one row of the table of kinds: everything that is true of a kind whatever the request. Rows are shared and
// never change.
type Resource struct {
	schema.GroupVersionResource
	Kind       string
	Singular   string
	ShortNames []string
	Categories []string
	Namespaced bool
	// Verbs are the ones discovery lists, sorted.
	Verbs []string
	// Subresources are sorted by name; discovery lists exactly these, so each of them must be served.
	Subresources []Subresource
	// Storage is the resource whose objects these are: itself, but for events.k8s.io/v1, which are stored as core/v1 events.
	// Use ToStorage and FromStorage when they differ.
	Storage schema.GroupVersionResource
	// CreateOnUpdate: a PUT to a name that is free creates the object instead of answering NotFound.
	CreateOnUpdate bool
	// VersionRequired: an update must name the resourceVersion it read. Of other kinds, one without it means the newest.
	VersionRequired bool
	// ReturnsDeleted: the answer to a delete is the object's last state, not a Status.
	ReturnsDeleted bool
	// OrphansByDefault: a delete that says nothing about dependents leaves them behind. So it was before kubectl learnt to
	// say, and upstream keeps it for the oldest kinds.
	OrphansByDefault bool
	// NoDependents: nothing is garbage collected with these objects, so a delete never waits for orphans or dependents.
	NoDependents bool
	// Deprecation is what kubectl says to whoever uses the kind; "" when nothing is wrong with it.
	Deprecation string

	strategy strategy
	plain    bool // shown by name and age only
}

// Subresource is a path below one object: pods/web/log.
type Subresource struct {
	Name string
	// Kind is what clients send and read there. Only for Eviction, Scale and TokenRequest is it of another group.
	Kind  schema.GroupVersionKind
	Verbs []string
}

// GVK is the kind with its group and version.
func (r *Resource) GVK() schema.GroupVersionKind {
	return r.GroupVersion().WithKind(r.Kind)
}

// New returns an empty object of the external type, apiVersion and kind set.
func (r *Resource) New() runtime.Object {
	return newObject(r.GVK())
}

// NewList returns an empty list of the external type, apiVersion and kind set.
func (r *Resource) NewList() runtime.Object {
	return newObject(r.GroupVersion().WithKind(r.Kind + "List"))
}

// Subresource finds a subresource by name ("status"), or nil.
func (r *Resource) Subresource(name string) *Subresource {
	for i := range r.Subresources {
		if r.Subresources[i].Name == name {
			return &r.Subresources[i]
		}
	}
	return nil
}

// All lists the kinds that are stored and served, ordered by group, version and resource. The slice is the caller's.
func All() []*Resource {
	return append([]*Resource(nil), table().rows...)
}

// Lookup finds the row of a resource, or nil.
func Lookup(gvr schema.GroupVersionResource) *Resource {
	return table().byResource[gvr]
}

// LookupKind finds the row of a kind, or nil.
func LookupKind(gvk schema.GroupVersionKind) *Resource {
	return table().byKind[gvk]
}
