package apiserver

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/munnerz/goautoneg"

	"drydock/engine/api"
)

// Clients of before 2023 ask for "…v2@v1.0+protobuf", and kubectl still does. The answer is named without the "@", which RFC
// 9110 does not allow there: client-go refuses a Content-Type that it cannot parse.
const (
	openAPIv2Proto = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
	openAPIv3Proto = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
)

// serveOpenAPI answers with the schemas of all kinds, by which kubectl explains and validates.
func (s *Server) serveOpenAPI(q *call) error {
	switch path := q.r.URL.Path; path {
	case "/openapi/v2":
		document, err := api.OpenAPIV2()
		return q.respondOpenAPI(document, openAPIv2Proto, err)
	case "/openapi/v3", "/openapi/v3/":
		index, err := api.OpenAPIV3Index(documentsFor(q.r))
		if err != nil {
			return openAPIError(err)
		}
		q.w.Header().Add("Vary", commandHeader)
		// The content type is upstream's, though the content is JSON: net/http guessed it there.
		return q.respondCached("text/plain; charset=utf-8", index.JSON, index.ETag)
	default:
		form := api.Full
		if q.r.URL.Query().Get("for") == api.ForWriting {
			form = api.Writing
		}
		document, err := api.OpenAPIV3(strings.TrimPrefix(path, "/openapi/v3/"), form)
		if document == nil && err == nil {
			http.NotFound(q.w, q.r)
			return nil
		}
		return q.respondOpenAPI(document, openAPIv3Proto, err)
	}
}

func (q *call) respondOpenAPI(document *api.Document, proto string, err error) error {
	if err != nil {
		return openAPIError(err)
	}
	if hash := q.r.URL.Query().Get("hash"); hash != "" {
		if hash != document.ETag {
			// An index of before an upgrade: lead the client to the document of now.
			query := q.r.URL.Query()
			query.Set("hash", document.ETag)
			http.Redirect(q.w, q.r, q.r.URL.Path+"?"+query.Encode(), http.StatusMovedPermanently)
			return nil
		}
		// The hash is in the address, so the answer to this address never changes.
		q.w.Header().Set("Expires", time.Now().AddDate(1, 0, 0).UTC().Format(http.TimeFormat))
	}
	q.w.Header().Add("Vary", "Accept")
	if prefersProto(q.r, proto) && len(document.Proto) > 0 {
		return q.respondCached(proto, document.Proto, document.ETag)
	}
	return q.respondCached(mediaJSON, document.JSON, document.ETag)
}

func openAPIError(err error) error {
	if errors.Is(err, api.ErrNoDocuments) {
		return plainStatus(http.StatusServiceUnavailable, "ServiceUnavailable", err.Error())
	}
	return internalError(err)
}

// prefersProto tells whether the client names the protobuf form, by its new or its old name, before JSON.
func prefersProto(r *http.Request, proto string) bool {
	for _, clause := range goautoneg.ParseAccept(r.Header.Get("Accept")) {
		media := clause.Type + "/" + clause.SubType
		if media == proto || media == strings.Replace(proto, ".v1.0", "@v1.0", 1) {
			return true
		}
		if media == mediaJSON || media == "*/*" {
			return false
		}
	}
	return false
}

// commandHeader is how kubectl says which of its commands asks (KEP-859).
const commandHeader = "Kubectl-Command"

// documentsFor is the form of the documents that a client needs. Kubernetes: there is one form only. kubectl's commands that write
// objects look up a few things in it, and spend 30 ms on reading the rest, twice for an object that exists: to them the index names short forms, under
// addresses of their own. Everybody else, kubectl explain too, gets the whole documents.
func documentsFor(r *http.Request) api.Form {
	switch r.Header.Get(commandHeader) {
	case "kubectl apply", "kubectl create", "kubectl replace", "kubectl diff", "kubectl edit":
		return api.Writing
	default:
		return api.Full
	}
}

func hashOf(body []byte) string { return fmt.Sprintf("%X", sha512.Sum512(body)) }
