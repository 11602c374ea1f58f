package api_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"drydock/engine/api"
)

func parsedV3(t *testing.T, path string, form api.Form) (*spec3.OpenAPI, int) {
	t.Helper()
	document, err := api.OpenAPIV3(path, form)
	if errors.Is(err, api.ErrNoDocuments) {
		t.Skip("the OpenAPI documents are missing: make generate")
	}
	if err != nil || document == nil {
		t.Fatalf("%s: %v", path, err)
	}
	if got := api.ETag(document.JSON); got != document.ETag {
		t.Errorf("%s: the ETag is not the hash", path)
	}
	out := &spec3.OpenAPI{}
	if err := json.Unmarshal(document.JSON, out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out, len(document.JSON)
}

// What a client that writes reads from the short form is what it would have read from the whole document.
func TestWritingForm(t *testing.T) {
	paths, checked := map[string]bool{}, 0
	for _, r := range api.All() {
		paths[strings.Replace("apis/"+r.GroupVersion().String(), "apis/v1", "api/v1", 1)] = true
	}
	for path := range paths {
		full, fullSize := parsedV3(t, path, api.Full)
		if !patchable(full) {
			if document, err := api.OpenAPIV3(path, api.Writing); document != nil || err != nil {
				t.Errorf("%s: there is a short form of nothing, %v", path, err)
			}
			continue
		}
		short, size := parsedV3(t, path, api.Writing)
		if size*5 > fullSize {
			t.Errorf("%s: the short form has %d bytes of %d", path, size, fullSize)
		}
		found := 0
		for address, item := range full.Paths.Paths {
			if item.Patch == nil || strings.Contains(address, "{name}/") {
				continue
			}
			found++
			if diff := cmp.Diff(patchOf(item.Patch), patchOf(short.Paths.Paths[address].Patch)); diff != "" {
				t.Errorf("%s: the patch in the short form (-want +got):\n%s", address, diff)
			}
			kind := item.Patch.Extensions["x-kubernetes-group-version-kind"].(map[string]any)
			name := schemaOf(full, kind)
			if got := schemaOf(short, kind); name == "" || got != name {
				t.Errorf("%v is %q in the short form, want %q", kind, got, name)
				continue
			}
			sameMerging(t, full.Components.Schemas, short.Components.Schemas, name, map[string]bool{})
		}
		checked += found
	}
	if checked < 20 {
		t.Errorf("only %d kinds were compared", checked)
	}
}

func patchable(document *spec3.OpenAPI) bool {
	for _, item := range document.Paths.Paths {
		if item.Patch != nil {
			return true
		}
	}
	return false
}

// patchOf is what kubectl asks of a patch operation: its kind, its parameters, and the forms of its body.
func patchOf(op *spec3.Operation) []string {
	kind, _ := json.Marshal(op.Extensions["x-kubernetes-group-version-kind"])
	out := []string{string(kind)}
	for _, p := range op.Parameters {
		out = append(out, p.In+" "+p.Name)
	}
	return append(out, slices.Sorted(maps.Keys(op.RequestBody.Content))...)
}

func schemaOf(document *spec3.OpenAPI, kind map[string]any) string {
	for name, schema := range document.Components.Schemas {
		list, _ := schema.Extensions["x-kubernetes-group-version-kind"].([]any) // none: not a kind
		if slices.ContainsFunc(list, func(one any) bool { return cmp.Equal(one, any(kind)) }) {
			return name
		}
	}
	return ""
}

// sameMerging compares the fields of a schema and of all that it refers to.
func sameMerging(t *testing.T, full, short map[string]*spec.Schema, name string, seen map[string]bool) {
	t.Helper()
	if seen[name] {
		return
	}
	seen[name] = true
	if short[name] == nil {
		t.Errorf("%s is not in the short form", name)
		return
	}
	for field, want := range full[name].Properties {
		got, there := short[name].Properties[field]
		if plain := len(want.Type) == 1 && slices.Contains([]string{"string", "integer", "number", "boolean"}, want.Type[0]); there == plain {
			t.Errorf("%s.%s in the short form: %t", name, field, there)
		}
		if diff := cmp.Diff(mergeOf(&want), mergeOf(&got)); diff != "" {
			t.Errorf("%s.%s in the short form (-want +got):\n%s", name, field, diff)
		}
		for _, next := range refsIn(&want) {
			sameMerging(t, full, short, next, seen)
		}
	}
}

func mergeOf(s *spec.Schema) []any {
	out := []any{s.Extensions["x-kubernetes-patch-strategy"], s.Extensions["x-kubernetes-patch-merge-key"]}
	for _, ref := range refsIn(s) {
		out = append(out, ref)
	}
	return out
}

// refsIn are the schemas that one refers to: as it is, for its items, and for what is in its map.
func refsIn(s *spec.Schema) []string {
	var out []string
	if ref := s.Ref.String(); ref != "" {
		out = append(out, strings.TrimPrefix(ref, "#/components/schemas/"))
	}
	for i := range s.AllOf {
		out = append(out, refsIn(&s.AllOf[i])...)
	}
	if s.Items != nil {
		out = append(out, refsIn(s.Items.Schema)...)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		out = append(out, refsIn(s.AdditionalProperties.Schema)...)
	}
	return out
}
