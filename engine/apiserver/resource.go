package apiserver

import (
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
)

// serveResource finds the kind and calls the handler of the verb.
func (s *Server) serveResource(q *call) error {
	resource := schema.GroupVersionResource{Group: q.info.APIGroup, Version: q.info.APIVersion, Resource: q.info.Resource}
	if handler := s.virtual(resource); handler != nil {
		return handler(q)
	}
	q.kind = api.Lookup(resource)
	if q.kind == nil || (!q.kind.Namespaced && q.kind != namespaceKind && q.info.Namespace != "") {
		return unknownResource(q)
	}
	if q.kind.Deprecation != "" {
		q.warn(q.kind.Deprecation)
	}
	if q.kind.Namespaced && q.info.Namespace == "" && !slices.Contains([]string{"list", "watch"}, q.info.Verb) {
		return methodNotAllowed()
	}
	if q.info.Subresource != "" {
		return s.serveSubresource(q)
	}
	handler := map[string]func(*call) error{
		"get": s.get, "list": s.list, "watch": s.watch, "create": s.create, "update": s.update, "patch": s.patch,
		"delete": s.delete, "deletecollection": s.deleteCollection,
	}[q.info.Verb]
	if handler == nil || (q.info.Verb == "create") != (q.r.Method == http.MethodPost && q.info.Name == "") {
		return methodNotAllowed()
	}
	if !slices.Contains(q.kind.Verbs, q.info.Verb) {
		return apierrors.NewMethodNotSupported(q.groupResource(), q.info.Verb)
	}
	return q.negotiated(handler)
}

// negotiated settles the form of the answer before the handler changes anything.
func (q *call) negotiated(handler func(*call) error) error {
	var ok bool
	if q.form, ok = negotiate(q.r, true); !ok {
		return notAcceptable(ours)
	}
	return handler(q)
}

// unknownResource tells an unknown kind of a known group (a Status) from a path that nothing answers.
func unknownResource(q *call) error {
	if api.Resources(schema.GroupVersion{Group: q.info.APIGroup, Version: q.info.APIVersion}) == nil {
		http.NotFound(q.w, q.r)
		return nil
	}
	return apierrors.NewGenericServerResponse(http.StatusNotFound, "", schema.GroupResource{}, "", "404: Page Not Found", 0, false)
}

func methodNotAllowed() error {
	return apierrors.NewGenericServerResponse(http.StatusMethodNotAllowed, "", schema.GroupResource{}, "", "405: Method Not Allowed", 0, false)
}

// serveSubresource calls what a path below an object stands for.
func (s *Server) serveSubresource(q *call) error {
	sub := q.kind.Subresource(q.info.Subresource)
	if sub == nil {
		return unknownResource(q)
	}
	if !slices.Contains(sub.Verbs, q.info.Verb) {
		return methodNotAllowed()
	}
	switch q.info.Subresource {
	case "log":
		return s.podLog(q)
	case "exec", "attach", "portforward":
		return s.podStream(q)
	case "proxy":
		return s.proxy(q)
	}
	handler := map[string]func(*call) error{
		"binding": s.bind, "eviction": s.evict, "token": s.requestToken,
	}[q.info.Subresource]
	if handler == nil {
		handler = map[string]func(*call) error{"get": s.get, "update": s.update, "patch": s.patch}[q.info.Verb]
	}
	if q.info.Subresource == "scale" {
		handler = map[string]func(*call) error{"get": s.getScale, "update": s.updateScale, "patch": s.patchScale}[q.info.Verb]
	}
	return q.negotiated(handler)
}

// get answers with one object. A resourceVersion in the query cannot ask for an older one, only say how new it must be.
func (s *Server) get(q *call) error {
	asked, err := parseVersion(q.r.URL.Query().Get("resourceVersion"))
	if err != nil {
		return err
	}
	if current := s.store.Revision(); asked > current {
		return tooLargeVersion(asked, current)
	}
	e, err := s.stored(q.ctx(), q.target())
	if err != nil {
		return err
	}
	return s.respondEntry(q, http.StatusOK, e)
}
