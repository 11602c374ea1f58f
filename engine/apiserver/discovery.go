package apiserver

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/munnerz/goautoneg"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// serveDiscovery answers what kinds there are: /api and /apis, whole (aggregated) for new clients, and step by step.
func (s *Server) serveDiscovery(q *call) error {
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
		return methodNotAllowed()
	}
	parts := strings.Split(strings.Trim(q.r.URL.Path, "/"), "/")
	if len(parts) == 1 {
		return s.serveRoots(q, parts[0])
	}
	var document runtime.Object
	switch {
	case parts[0] == "api" && len(parts) == 2:
		if list := api.Resources(schema.GroupVersion{Version: parts[1]}); list != nil {
			document = list
		}
	case parts[0] == "apis" && len(parts) == 2:
		if group := api.Group(parts[1]); group != nil {
			document = group
		}
	case parts[0] == "apis" && len(parts) == 3:
		if list := api.Resources(schema.GroupVersion{Group: parts[1], Version: parts[2]}); list != nil {
			document = list
		}
	}
	if document == nil {
		http.NotFound(q.w, q.r)
		return nil
	}
	return q.respondDocument(document)
}

// serveRoots answers /api and /apis.
func (s *Server) serveRoots(q *call, root string) error {
	q.w.Header().Add("Vary", "Accept")
	if version := aggregatedVersion(q.r); version != "" {
		var document runtime.Object = api.AggregatedGroups()
		if root == "api" {
			document = api.AggregatedCore()
		}
		return q.respondAggregated(document, version)
	}
	if root == "api" {
		return q.respondDocument(api.CoreVersions(q.r.Host))
	}
	return q.respondDocument(api.Groups())
}

// aggregatedVersion is the version of whole discovery that the client prefers to discovery step by step; "" for none.
func aggregatedVersion(r *http.Request) string {
	for _, clause := range goautoneg.ParseAccept(r.Header.Get("Accept")) {
		if clause.Type != "application" || clause.SubType != "json" {
			continue
		}
		whole := clause.Params["g"] == "apidiscovery.k8s.io" && clause.Params["as"] == "APIGroupDiscoveryList"
		switch {
		case whole && clause.Params["v"] == "v2":
			return clause.Params["v"]
		case len(clause.Params) == 0 || (clause.Params["as"] == "" && clause.Params["g"] == ""):
			return ""
		}
	}
	return ""
}

func (q *call) respondAggregated(document runtime.Object, version string) error {
	body, err := json.Marshal(document)
	if err != nil {
		return internalError(err)
	}
	return q.respondCached(mediaJSON+";g=apidiscovery.k8s.io;v="+version+";as=APIGroupDiscoveryList", body, hashOf(body))
}

// respondDocument answers with a document that is no object of the store.
func (q *call) respondDocument(document runtime.Object) error {
	form, ok := negotiate(q.r, false)
	if !ok {
		return notAcceptable(ours)
	}
	body, err := form.encode(document)
	if err != nil {
		return err
	}
	q.respond(http.StatusOK, form.contentType(), body)
	return nil
}

// respondCached answers with a document that hardly ever changes; a client that has it already gets 304.
func (q *call) respondCached(contentType string, body []byte, etag string) error {
	header := q.w.Header()
	header.Set("Etag", `"`+etag+`"`)
	header.Set("Cache-Control", "public")
	for tag := range strings.SplitSeq(q.r.Header.Get("If-None-Match"), ",") {
		if strings.TrimSpace(tag) == `"`+etag+`"` {
			q.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	q.respond(http.StatusOK, contentType, body)
	return nil
}

// serveIndex lists the paths, as GET / of every cluster does.
func (s *Server) serveIndex(q *call) error {
	paths := []string{
		"/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/drydock/decisions", "/healthz", "/livez", "/readyz",
		"/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/version",
	}
	for _, kind := range api.All() {
		if kind.Group != "" {
			paths = append(paths, "/apis/"+kind.Group, "/apis/"+kind.GroupVersion().String())
		}
	}
	slices.Sort(paths)
	body, err := json.MarshalIndent(map[string]any{"paths": slices.Compact(paths)}, "", "  ")
	if err != nil {
		return internalError(err)
	}
	q.respond(http.StatusOK, mediaJSON, body)
	return nil
}

func (s *Server) serveVersion(q *call) error {
	body, err := json.MarshalIndent(api.Version(), "", "  ")
	if err != nil {
		return internalError(err)
	}
	q.respond(http.StatusOK, mediaJSON, body)
	return nil
}
