package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServedPaths(t *testing.T) {
	for path, want := range map[string]bool{
		"/api/":    true,
		"/apis/":   true,
		"/api/v1/": true,
		"/api/v1/namespaces/{namespace}/pods/{name}":              true,
		"/api/v1/namespaces/{namespace}/pods/{name}/log":          true,
		"/api/v1/namespaces/{namespace}/pods/{name}/proxy/{path}": true,
		"/api/v1/namespaces/{namespace}/pods/{name}/unicorn":      false,
		"/api/v1/namespaces/{name}/finalize":                      true,
		"/api/v1/watch/pods":                                      false,
		"/api/v1/namespaces/{namespace}/bindings":                 true,
		"/apis/apps/":               true,
		"/apis/apps/v1/":            true,
		"/apis/apps/v1/deployments": true,
		"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale": true,
		"/apis/apps/v1beta1/deployments":                                false,
		"/apis/unicorns/":                                               false,
		"/logs/":                                                        false,
	} {
		if got := served(path); got != want {
			t.Errorf("%s: served %v, want %v", path, got, want)
		}
	}
}

func TestReachable(t *testing.T) {
	definitions := object{
		"A": object{"properties": object{"b": object{"$ref": "#/d/B"}}},
		"B": object{"items": []any{object{"$ref": "#/d/A"}}},
		"C": object{},
	}
	paths := object{"/a": object{"schema": object{"$ref": "#/d/A"}}}
	want := object{"A": definitions["A"], "B": definitions["B"]}
	if diff := cmp.Diff(want, reachable(paths, definitions, "#/d/")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDropCBOR(t *testing.T) {
	got := object{
		"produces": []any{"application/json", "application/cbor"},
		"content":  []any{object{"application/apply-patch+cbor": object{}, "application/yaml": object{}}},
	}
	dropCBOR(got)
	want := object{"produces": []any{"application/json"}, "content": []any{object{"application/yaml": object{}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
