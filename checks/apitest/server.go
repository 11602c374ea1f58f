// Package apitest is a small API server for tests of what watches one: discovery, list, get, create, apply, delete and
// watch of unstructured objects, over HTTP. It knows no validation, no defaulting and no controllers; a test sets the
// objects that those would make.
package apitest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"drydock/engine/decision"
)

// kind is a kind that the server serves.
type kind struct {
	version, kind, resource string
	namespaced              bool
}

var kinds = []kind{
	{"v1", "Namespace", "namespaces", false},
	{"v1", "Node", "nodes", false},
	{"v1", "Pod", "pods", true},
	{"v1", "Service", "services", true},
	{"v1", "ConfigMap", "configmaps", true},
	{"v1", "ServiceAccount", "serviceaccounts", true},
	{"v1", "Event", "events", true},
	{"apps/v1", "Deployment", "deployments", true},
	{"apps/v1", "ReplicaSet", "replicasets", true},
}

// Server is the API server.
type Server struct {
	t    testing.TB
	http *httptest.Server

	mu sync.Mutex
	// guarded by mu
	version  int
	floor    int                                   // what happened up to this version is forgotten
	objects  map[string]*unstructured.Unstructured // by resource/namespace/name
	log      []event
	watchers map[*watcher]bool
	grace    bool
	ring     *decision.Ring
	onChange func(verb string, o *unstructured.Unstructured)
}

type event struct {
	Type     string                     `json:"type"`
	Object   *unstructured.Unstructured `json:"object"`
	resource string
	version  int
}

type watcher struct {
	resource, namespace string
	wake                chan struct{} // one slot: something was logged
	gone                chan struct{}
}

// New starts a server with the namespaces of a fresh cluster. It ends with the test.
func New(t testing.TB) *Server {
	s := &Server{t: t, objects: map[string]*unstructured.Unstructured{}, watchers: map[*watcher]bool{}}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.Disconnect()
		s.http.Close()
	})
	for _, n := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		s.Set(fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}", n))
	}
	s.Set("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: default}}")
	s.Set("{apiVersion: v1, kind: ConfigMap, metadata: {name: kube-root-ca.crt, namespace: default}}")
	s.Set("{apiVersion: v1, kind: Service, metadata: {name: kubernetes, namespace: default}}")
	return s
}

// Record makes the server one that records decisions, and records some.
func (s *Server) Record(records ...decision.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring == nil {
		s.ring = decision.NewRing(1000)
	}
	for _, r := range records {
		s.ring.Record(r)
	}
}

// Version is the resourceVersion of this moment.
func (s *Server) Version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strconv.Itoa(s.version)
}

// REST is how to reach the server.
func (s *Server) REST() *rest.Config { return &rest.Config{Host: s.http.URL} }

// GracefulPods makes a deleted pod stay, with a deletionTimestamp, until Remove, unless it is deleted with grace 0.
func (s *Server) GracefulPods() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grace = true
}

// OnChange calls f, without any lock held, after each change that came over HTTP: verb is "set" or "delete".
func (s *Server) OnChange(f func(verb string, o *unstructured.Unstructured)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = f
}

// Set creates or replaces an object given as YAML and returns it as stored.
func (s *Server) Set(text string) *unstructured.Unstructured {
	s.t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		s.t.Fatalf("object for the fake API server: %v", err)
	}
	raw, err := o.MarshalJSON() // numbers as a real server would give them
	if err == nil {
		err = o.UnmarshalJSON(raw)
	}
	if err != nil {
		s.t.Fatalf("object for the fake API server: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setLocked(o)
}

// Remove takes an object away at once, given as kind, namespace and name.
func (s *Server) Remove(kindName, namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range kinds {
		if k.kind == kindName {
			s.removeLocked(k.resource, k.resource+"/"+namespace+"/"+name)
		}
	}
}

// Names lists what there is of a kind, as namespace/name.
func (s *Server) Names(kindName string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, o := range s.objects {
		if o.GetKind() == kindName {
			out = append(out, strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/"))
		}
	}
	slices.Sort(out)
	return out
}

// Disconnect ends every watch connection, as a server that restarts does.
func (s *Server) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		close(w.gone)
		delete(s.watchers, w)
	}
}

// Forget drops the history, so that a watch from an old version, new or running, gets 410 Gone.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.floor = nil, s.version
}

func (s *Server) setLocked(o *unstructured.Unstructured) *unstructured.Unstructured {
	k := find(o.GetAPIVersion(), o.GetKind())
	if k == nil {
		s.t.Errorf("the fake API server does not serve %s %s", o.GetAPIVersion(), o.GetKind())
		return o
	}
	if k.namespaced && o.GetNamespace() == "" {
		o.SetNamespace("default")
	}
	s.version++
	at := k.resource + "/" + o.GetNamespace() + "/" + o.GetName()
	typ := "MODIFIED"
	if old := s.objects[at]; old == nil {
		typ = "ADDED"
		o.SetUID(metaUID(s.version))
	} else {
		o.SetUID(old.GetUID())
	}
	o.SetResourceVersion(strconv.Itoa(s.version))
	s.objects[at] = o
	s.logLocked(event{typ, o, k.resource, s.version})
	return o
}

func (s *Server) removeLocked(resource, at string) {
	o := s.objects[at]
	if o == nil {
		return
	}
	delete(s.objects, at)
	s.version++
	last := o.DeepCopy()
	last.SetResourceVersion(strconv.Itoa(s.version))
	s.logLocked(event{"DELETED", last, resource, s.version})
}

func (s *Server) logLocked(e event) {
	s.log = append(s.log, e)
	for w := range s.watchers {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

func find(version, name string) *kind {
	for i := range kinds {
		if kinds[i].version == version && kinds[i].kind == name {
			return &kinds[i]
		}
	}
	return nil
}

// ordered is what there is of a resource, in the order of its keys.
func (s *Server) orderedLocked(resource, namespace string) []unstructured.Unstructured {
	out := []unstructured.Unstructured{}
	for at, o := range s.objects {
		if strings.HasPrefix(at, resource+"/") && (namespace == "" || o.GetNamespace() == namespace) {
			out = append(out, *o)
		}
	}
	slices.SortFunc(out, func(a, b unstructured.Unstructured) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func status(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	answer(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   "Failure", Code: int32(code), Reason: reason, Message: message,
	})
}
