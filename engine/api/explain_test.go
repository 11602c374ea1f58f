package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/openapi"
	explain "k8s.io/kubectl/pkg/explain/v2"
	kubectlopenapi "k8s.io/kubectl/pkg/util/openapi"

	"drydock/engine/api"
)

// documents plays client-go's OpenAPI client over what the server would answer.
type documents struct{}

func (documents) Paths() (map[string]openapi.GroupVersion, error) {
	data, err := api.OpenAPIV3Index(api.Full)
	if err != nil {
		return nil, err
	}
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	if err := json.Unmarshal(data.JSON, &index); err != nil {
		return nil, err
	}
	paths := map[string]openapi.GroupVersion{}
	for path, link := range index.Paths {
		paths[path] = document{path, link.ServerRelativeURL}
	}
	return paths, nil
}

type document struct{ path, url string }

func (d document) Schema(string) ([]byte, error) {
	document, err := api.OpenAPIV3(d.path, api.Full)
	if err != nil {
		return nil, err
	}
	return document.JSON, nil
}

func (d document) ServerRelativeURL() string { return d.url }

// TestKubectlExplains: the real kubectl finds its way through the cut documents.
func TestKubectlExplains(t *testing.T) {
	if _, err := api.OpenAPIV3Index(api.Full); errors.Is(err, api.ErrNoDocuments) {
		t.Skip("the OpenAPI documents are missing: make generate")
	}
	for _, r := range api.All() {
		var out bytes.Buffer
		if err := explain.PrintModelDescription([]string{"metadata", "labels"}, &out, documents{}, r.GroupVersionResource, false, 0, "plaintext"); err != nil {
			t.Errorf("explain %s: %v", r.Resource, err)
			continue
		}
		if text := out.String(); !strings.Contains(text, "KIND:       "+r.Kind) || !strings.Contains(text, "FIELD: labels <map[string]string>") {
			t.Errorf("explain %s:\n%s", r.Resource, text)
		}
	}
}

// TestKubectlReadsV2: kubectl parses the protobuf document for client-side patches.
func TestKubectlReadsV2(t *testing.T) {
	packed, err := api.OpenAPIV2()
	if errors.Is(err, api.ErrNoDocuments) {
		t.Skip("the OpenAPI documents are missing: make generate")
	}
	if err != nil {
		t.Fatal(err)
	}
	parsed := &openapi_v2.Document{}
	if err := proto.Unmarshal(packed.Proto, parsed); err != nil {
		t.Fatal(err)
	}
	resources, err := kubectlopenapi.NewOpenAPIData(parsed)
	if err != nil {
		t.Fatal(err)
	}
	if schema := resources.LookupResource(corev1.SchemeGroupVersion.WithKind("Pod")); schema == nil {
		t.Error("kubectl does not find Pod in the v2 document")
	}
}
