package api

import (
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
)

// Verbs of ordinary resources, and of the ways below one object.
var (
	allVerbs     = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
	noCollection = []string{"create", "delete", "get", "list", "patch", "update", "watch"}
	statusVerbs  = []string{"get", "patch", "update"}
	streamVerbs  = []string{"create", "get"}
	proxyVerbs   = []string{"create", "delete", "get", "patch", "update"}
)

// catalogue is the table of kinds. A row is all that discovery, storage and validation need to know.
func catalogue() []*Resource {
	return slices.Concat(coreKinds(), workloadKinds(), policyKinds(), networkKinds(), storageKinds())
}

// index is the catalogue with the blanks filled in, in order, and ways to find a row.
type index struct {
	rows       []*Resource // kinds that are stored and served
	listed     []*Resource // rows and the virtual kinds
	byResource map[schema.GroupVersionResource]*Resource
	byKind     map[schema.GroupVersionKind]*Resource
}

var table = sync.OnceValue(func() *index {
	t := &index{byResource: map[schema.GroupVersionResource]*Resource{}, byKind: map[schema.GroupVersionKind]*Resource{}}
	for _, r := range ordered(catalogue()) {
		r.Deprecation = deprecation.WarningMessage(r.New())
		t.byResource[r.GroupVersionResource] = r
		t.byKind[r.GVK()] = r
		t.rows = append(t.rows, r)
	}
	t.listed = ordered(append(virtual(), t.rows...))
	return t
})

func ordered(rows []*Resource) []*Resource {
	slices.SortFunc(rows, func(a, b *Resource) int {
		return strings.Compare(a.Group+"/"+a.Version+"/"+a.Resource, b.Group+"/"+b.Version+"/"+b.Resource)
	})
	for _, r := range rows {
		r.complete()
	}
	return rows
}

// complete fills in what most kinds have in common.
func (r *Resource) complete() {
	if r.Singular == "" {
		r.Singular = strings.ToLower(r.Kind)
	}
	if r.Verbs == nil {
		r.Verbs = allVerbs
	}
	if r.Storage.Empty() {
		r.Storage = r.GroupVersionResource
	}
	for i := range r.Subresources {
		if r.Subresources[i].Kind.Empty() {
			r.Subresources[i].Kind = r.GVK()
		}
	}
}
