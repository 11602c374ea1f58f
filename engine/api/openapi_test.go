package api_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	openapi_v3 "github.com/google/gnostic-models/openapiv3"
	"google.golang.org/protobuf/proto"

	"drydock/engine/api"
)

func TestOpenAPIV2(t *testing.T) {
	document, err := api.OpenAPIV2()
	if errors.Is(err, api.ErrNoDocuments) {
		t.Skip("the OpenAPI documents are missing: make generate")
	}
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Definitions, Paths map[string]any
	}
	if err := json.Unmarshal(document.JSON, &spec); err != nil {
		t.Fatal(err)
	}
	if spec.Definitions["io.k8s.api.core.v1.Pod"] == nil || spec.Definitions["io.k8s.api.rbac.v1.Role"] != nil {
		t.Error("definitions are not those of the table")
	}
	if spec.Paths["/api/v1/namespaces/{namespace}/pods/{name}/log"] == nil || spec.Paths["/apis/rbac.authorization.k8s.io/v1/roles"] != nil {
		t.Error("paths are not those of the table")
	}
	if strings.Contains(string(document.JSON), "cbor") {
		t.Error("CBOR is offered, but not served")
	}
	parsed := &openapi_v2.Document{}
	if err := proto.Unmarshal(document.Proto, parsed); err != nil || len(parsed.Definitions.AdditionalProperties) != len(spec.Definitions) {
		t.Errorf("protobuf: %v", err)
	}
}

func TestOpenAPIV3(t *testing.T) {
	data, err := api.OpenAPIV3Index(api.Full)
	if errors.Is(err, api.ErrNoDocuments) {
		t.Skip("the OpenAPI documents are missing: make generate")
	}
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	if err := json.Unmarshal(data.JSON, &index); err != nil {
		t.Fatal(err)
	}
	for _, r := range api.All() {
		path := "apis/" + r.GroupVersion().String()
		if r.Group == "" {
			path = "api/v1"
		}
		document, err := api.OpenAPIV3(path, api.Full)
		if err != nil || document == nil {
			t.Fatalf("%s: %v", path, err)
		}
		if want := "/openapi/v3/" + path + "?hash=" + document.ETag; index.Paths[path].ServerRelativeURL != want || api.ETag(document.JSON) != document.ETag {
			t.Errorf("%s: index says %s, want %s", path, index.Paths[path].ServerRelativeURL, want)
		}
		if !strings.Contains(string(document.JSON), `"kind":"`+r.Kind+`"`) {
			t.Errorf("%s does not describe %s", path, r.Kind)
		}
		if err := proto.Unmarshal(document.Proto, &openapi_v3.Document{}); err != nil {
			t.Errorf("%s as protobuf: %v", path, err)
		}
	}
	if document, err := api.OpenAPIV3("apis/unicorn/v1", api.Full); document != nil || err != nil {
		t.Errorf("a path that is not there: %v, %v", document, err)
	}
}
