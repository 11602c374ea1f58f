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
		index, err := api.OpenAPIV3Index()
		if err != nil {
			return openAPIError(err)
		}
		// The content type is upstream's, though the content is JSON: net/http guessed it there.
		return q.respondCached("text/plain; charset=utf-8", index, hashOf(index))
	default:
		document, err := api.OpenAPIV3(strings.TrimPrefix(path, "/openapi/v3/"))
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
			http.Redirect(q.w, q.r, q.r.URL.Path+"?hash="+document.ETag, http.StatusMovedPermanently)
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

func hashOf(body []byte) string { return fmt.Sprintf("%X", sha512.Sum512(body)) }
