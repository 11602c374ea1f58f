package apitest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"drydock/engine/decision"
)

func metaUID(n int) types.UID { return types.UID("uid-" + strconv.Itoa(n)) }

// request is what a path asks for.
type request struct {
	kind            *kind
	namespace, name string
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.discovery(w, r.URL.Path) {
		return
	}
	if r.URL.Path == "/drydock/decisions" {
		s.decisions(w, r)
		return
	}
	req, ok := parse(r.URL.Path)
	if !ok {
		status(w, http.StatusNotFound, metav1.StatusReasonNotFound, "no such path: "+r.URL.Path)
		return
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Query().Get("watch") != "":
		s.watch(w, r, req)
	case r.Method == http.MethodGet && req.name == "":
		s.list(w, r, req)
	case r.Method == http.MethodGet:
		s.get(w, req)
	case r.Method == http.MethodPost || r.Method == http.MethodPatch || r.Method == http.MethodPut:
		s.put(w, r, req)
	case r.Method == http.MethodDelete:
		s.delete(w, r, req)
	default:
		status(w, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, r.Method)
	}
}

func (s *Server) discovery(w http.ResponseWriter, path string) bool {
	if path == "/apis" {
		answer(w, http.StatusOK, metav1.APIGroupList{Groups: []metav1.APIGroup{{
			Name:             "apps",
			PreferredVersion: metav1.GroupVersionForDiscovery{GroupVersion: "apps/v1", Version: "v1"},
		}}})
		return true
	}
	for _, gv := range []string{"v1", "apps/v1"} {
		if path != "/api/"+gv && path != "/apis/"+gv {
			continue
		}
		list := metav1.APIResourceList{GroupVersion: gv}
		for _, k := range kinds {
			if k.version == gv {
				list.APIResources = append(list.APIResources, metav1.APIResource{
					Name: k.resource, Kind: k.kind, Namespaced: k.namespaced,
					Verbs: metav1.Verbs{"get", "list", "watch", "create", "patch", "delete"},
				})
			}
		}
		answer(w, http.StatusOK, list)
		return true
	}
	return false
}

func parse(path string) (request, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var version string
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		version, parts = parts[1]+"/"+parts[2], parts[3:]
	default:
		return request{}, false
	}
	var req request
	if parts[0] == "namespaces" && len(parts) > 2 {
		req.namespace, parts = parts[1], parts[2:]
	}
	for i := range kinds {
		if kinds[i].version == version && kinds[i].resource == parts[0] {
			req.kind = &kinds[i]
		}
	}
	if len(parts) > 1 {
		req.name = parts[1]
	}
	return req, req.kind != nil && len(parts) <= 2
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, req request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Query().Get("resourceVersionMatch") == "Exact" {
		s.listAtLocked(w, r.URL.Query().Get("resourceVersion"), req)
		return
	}
	items := s.orderedLocked(req.kind.resource, req.namespace)
	answer(w, http.StatusOK, map[string]any{
		"apiVersion": req.kind.version, "kind": req.kind.kind + "List",
		"metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version)}, "items": items,
	})
}

// listAtLocked lists what there was at a version, out of the log.
func (s *Server) listAtLocked(w http.ResponseWriter, version string, req request) {
	until, _ := strconv.Atoi(version)
	if until < s.floor {
		status(w, http.StatusGone, metav1.StatusReasonExpired, "too old resource version")
		return
	}
	then := map[string]*unstructured.Unstructured{}
	for _, e := range s.log {
		at := e.Object.GetNamespace() + "/" + e.Object.GetName()
		if e.version > until || e.resource != req.kind.resource || req.namespace != "" && e.Object.GetNamespace() != req.namespace {
			continue
		}
		then[at] = e.Object
		if e.Type == "DELETED" {
			delete(then, at)
		}
	}
	items := []*unstructured.Unstructured{}
	for _, at := range slices.Sorted(maps.Keys(then)) {
		items = append(items, then[at])
	}
	answer(w, http.StatusOK, map[string]any{
		"apiVersion": req.kind.version, "kind": req.kind.kind + "List",
		"metadata": map[string]any{"resourceVersion": version}, "items": items,
	})
}

// decisions sends what was recorded, as a lab's API server does.
func (s *Server) decisions(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ring := s.ring
	s.mu.Unlock()
	if ring == nil {
		status(w, http.StatusNotFound, metav1.StatusReasonNotFound, "nobody records decisions here")
		return
	}
	encoder := json.NewEncoder(w)
	if r.URL.Query().Get("watch") != "" {
		_ = ring.Follow(r.Context(), 0, func(rec decision.Record) error {
			err := encoder.Encode(rec)
			w.(http.Flusher).Flush()
			return err
		})
		return
	}
	records, _ := ring.Since(0)
	for _, rec := range records {
		_ = encoder.Encode(rec)
	}
}

func (s *Server) get(w http.ResponseWriter, req request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[req.kind.resource+"/"+req.namespace+"/"+req.name]
	if o == nil {
		status(w, http.StatusNotFound, metav1.StatusReasonNotFound, req.kind.resource+` "`+req.name+`" not found`)
		return
	}
	answer(w, http.StatusOK, o)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request, req request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		body, err = yaml.YAMLToJSON(body)
	}
	o := &unstructured.Unstructured{}
	if err == nil {
		err = o.UnmarshalJSON(body)
	}
	if err != nil {
		status(w, http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
		return
	}
	if req.namespace != "" {
		o.SetNamespace(req.namespace)
	}
	s.mu.Lock()
	stored, call := s.setLocked(o), s.onChange
	s.mu.Unlock()
	if call != nil {
		call("set", stored)
	}
	answer(w, http.StatusOK, stored)
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request, req request) {
	var options metav1.DeleteOptions
	_ = json.NewDecoder(r.Body).Decode(&options) // no body means no options
	at := req.kind.resource + "/" + req.namespace + "/" + req.name
	s.mu.Lock()
	o, call := s.objects[at], s.onChange
	if o == nil {
		s.mu.Unlock()
		status(w, http.StatusNotFound, metav1.StatusReasonNotFound, req.kind.resource+` "`+req.name+`" not found`)
		return
	}
	if s.grace && req.kind.kind == "Pod" && (options.GracePeriodSeconds == nil || *options.GracePeriodSeconds > 0) {
		o = o.DeepCopy()
		now := metav1.Now()
		o.SetDeletionTimestamp(&now)
		s.setLocked(o)
	} else {
		s.removeLocked(req.kind.resource, at)
	}
	if req.kind.kind == "Namespace" {
		for at, inside := range s.objects {
			if inside.GetNamespace() == req.name {
				s.removeLocked(strings.SplitN(at, "/", 2)[0], at)
			}
		}
	}
	s.mu.Unlock()
	if call != nil {
		call("delete", o)
	}
	answer(w, http.StatusOK, o)
}

func (s *Server) watch(w http.ResponseWriter, r *http.Request, req request) {
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	s.mu.Lock()
	if from < s.floor {
		s.mu.Unlock()
		status(w, http.StatusGone, metav1.StatusReasonExpired, "too old resource version")
		return
	}
	me := &watcher{req.kind.resource, req.namespace, make(chan struct{}, 1), make(chan struct{})}
	s.watchers[me] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, me)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	for {
		var ok bool
		if from, ok = s.send(w, me, from); !ok {
			return
		}
		select {
		case <-me.wake:
		case <-me.gone:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// send writes what happened after a version and returns the version it came to; not ok when that is forgotten.
func (s *Server) send(w http.ResponseWriter, me *watcher, from int) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from < s.floor {
		gone := metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
			Status:   "Failure", Code: http.StatusGone, Reason: metav1.StatusReasonExpired,
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"type": "ERROR", "object": gone})
		return from, false
	}
	for _, e := range s.log {
		if e.version <= from {
			continue
		}
		if e.resource == me.resource && (me.namespace == "" || e.Object.GetNamespace() == me.namespace) {
			_ = json.NewEncoder(w).Encode(e)
		}
		from = e.version
	}
	w.(http.Flusher).Flush()
	return from, true
}
