package api_test

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// TestEveryKindHasAllFacts walks the table: a row that forgets something fails here and not in a request.
func TestEveryKindHasAllFacts(t *testing.T) {
	all := api.All()
	if len(all) < 39 {
		t.Fatalf("the table has %d rows", len(all))
	}
	for _, r := range all {
		t.Run(r.Group+"/"+r.Resource, func(t *testing.T) {
			if api.Lookup(r.GroupVersionResource) != r || api.LookupKind(r.GVK()) != r {
				t.Error("cannot be looked up")
			}
			if r.Singular == "" || len(r.Verbs) == 0 || !slices.IsSorted(r.Verbs) || r.Storage.Empty() {
				t.Errorf("a blank: %+v", r)
			}
			obj, list := r.New(), r.NewList()
			if obj.GetObjectKind().GroupVersionKind() != r.GVK() || !meta.IsListType(list) {
				t.Errorf("made %T and %T", obj, list)
			}
			r.Default(obj)
			// A LimitRange may come without a name.
			if _, err := r.BeforeCreate("default", obj); err == nil && r.Kind != "LimitRange" {
				t.Error("an object without a name was accepted")
			}
			for _, shown := range []func() error{
				func() error { _, err := r.Table(list, nil); return err },
				func() error { _, err := r.Table(r.New(), nil); return err },
				func() error { _, err := r.FieldManager(""); return err },
			} {
				if err := shown(); err != nil {
					t.Error(err)
				}
			}
			checkSubresources(t, r)
			checkFields(t, r)
		})
	}
}

func checkSubresources(t *testing.T, r *api.Resource) {
	t.Helper()
	byName := func(a, b api.Subresource) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	}
	if !slices.IsSortedFunc(r.Subresources, byName) {
		t.Error("subresources are out of order")
	}
	for _, sub := range r.Subresources {
		if sub.Kind.Empty() || len(sub.Verbs) == 0 || !slices.IsSorted(sub.Verbs) {
			t.Errorf("%s has a blank: %+v", sub.Name, sub)
		}
		if _, err := api.Scheme.New(sub.Kind); err != nil {
			t.Errorf("%s: %v", sub.Name, err)
		}
		if !slices.Contains(sub.Verbs, "update") || slices.Contains(sub.Verbs, "create") {
			continue
		}
		if _, err := r.FieldManager(sub.Name); err != nil {
			t.Errorf("%s can be updated, but: %v", sub.Name, err)
		}
	}
}

// checkFields holds that what can be selected on is also there to be matched.
func checkFields(t *testing.T, r *api.Resource) {
	t.Helper()
	set, err := r.SelectableFields(r.New())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := set["metadata.name"]; !ok {
		t.Error("metadata.name cannot be selected on")
	}
	if _, ok := set["metadata.namespace"]; ok != r.Namespaced {
		t.Errorf("metadata.namespace can be selected on: %v", ok)
	}
}

func TestLookupOfNothing(t *testing.T) {
	if r := api.Lookup(schema.GroupVersionResource{Version: "v1", Resource: "unicorns"}); r != nil {
		t.Errorf("found %+v", r)
	}
	if r := api.LookupKind(schema.GroupVersionKind{Version: "v1", Kind: "Unicorn"}); r != nil {
		t.Errorf("found %+v", r)
	}
}
