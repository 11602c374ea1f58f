package apiserver_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"drydock/engine/api"
)

// To the commands of kubectl that write, the index names short documents, under addresses of their own. Everybody else reads
// the whole ones.
func TestOpenAPIForWriting(t *testing.T) {
	if _, err := api.OpenAPIV3Index(api.Full); errors.Is(err, api.ErrNoDocuments) {
		t.Skip("the OpenAPI documents are missing: make generate")
	}
	c := newCluster(t)
	read := func(path, command string) string {
		r, err := http.NewRequestWithContext(background, http.MethodGet, c.config.Host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if command != "" {
			r.Header.Set("Kubectl-Command", command)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %s, %v", path, resp.Status, err)
		}
		if path == "/openapi/v3" && resp.Header.Get("Vary") != "Kubectl-Command" {
			t.Errorf("the index varies by %q", resp.Header.Get("Vary"))
		}
		return string(body)
	}
	for command, described := range map[string]bool{"": true, "kubectl explain": true, "kubectl apply": false, "kubectl create": false} {
		var index struct {
			Paths map[string]struct{ ServerRelativeURL string }
		}
		if err := json.Unmarshal([]byte(read("/openapi/v3", command)), &index); err != nil {
			t.Fatal(err)
		}
		address := index.Paths["apis/apps/v1"].ServerRelativeURL
		document := read(address, command)
		if strings.Contains(document, `"description"`) != described || !strings.Contains(document, "fieldValidation") {
			t.Errorf("%q is led to %s, %d bytes", command, address, len(document))
		}
		// Who comes with an address of before an upgrade is led to the same form of the document of now.
		path, _, _ := strings.Cut(address, "hash=")
		if read(path+"hash=OLD", command) != document {
			t.Errorf("%q: an old address of %s leads elsewhere", command, address)
		}
	}
}
