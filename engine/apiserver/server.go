package apiserver

import (
	"net/http"
	"strings"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/util/sets"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"

	"drydock/engine/store"
)

// Server answers Kubernetes API requests. It is an http.Handler for TLS listeners; Admin is its handler for the unix socket.
// All methods may be called at the same time.
type Server struct {
	// set once in New
	options   Options
	store     store.Store
	tokens    *tokens
	addresses *addressPool
	nodePorts *portPool
	kubelets  *kubelets
	infos     *apirequest.RequestInfoFactory

	certificates certificates

	objects *cache
}

// New prepares a server on a store: it writes the objects every cluster starts with (namespaces, the Service
// default/kubernetes) where they are missing, and rebuilds what it must remember (addresses in use) from the store.
func New(options Options) (*Server, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	s := &Server{
		options:  options,
		store:    options.Store,
		objects:  newCache(),
		kubelets: newKubelets(options.KubeletClientTLS),
		infos: &apirequest.RequestInfoFactory{
			APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api"),
		},
	}
	var err error
	if s.tokens, err = newTokens(options.ServiceAccountKey, options.Issuer, s.boundObjectsAlive); err != nil {
		return nil, err
	}
	if s.addresses, s.nodePorts, err = s.allocatedSoFar(); err != nil {
		return nil, err
	}
	if err := s.writeFirstObjects(); err != nil {
		return nil, err
	}
	return s, nil
}

// ServeHTTP serves clients that prove who they are with a certificate or a token.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Audit-Id", uuid.NewString())
	w.Header().Set("Cache-Control", "no-cache, private")
	q := &call{w: w, r: r}
	if err := s.serve(q); err != nil {
		q.writeError(err)
	}
}

// serve walks the request through the chain that the package comment describes.
func (s *Server) serve(q *call) error {
	var err error
	if q.info, err = s.infos.NewRequestInfo(q.r); err != nil {
		return internalError(err)
	}
	if isHealthPath(q.r.URL.Path) {
		// Health is asked by those who have no certificate yet.
		return s.serveHealth(q)
	}
	if q.user, err = s.authenticate(q.r); err != nil {
		return err
	}
	q.real = q.user
	if q.user, err = s.impersonate(q); err != nil {
		return err
	}
	// Proofs are for us, not for a kubelet or a pod behind a proxy.
	for _, name := range []string{"Authorization", "Impersonate-User", "Impersonate-Uid", "Impersonate-Group"} {
		q.r.Header.Del(name)
	}
	if err := authorize(q.user, attributesOf(q.info)); err != nil {
		return err
	}
	if !q.info.IsResourceRequest {
		return s.servePath(q)
	}
	return s.serveResource(q)
}

// servePath answers what is not about objects: discovery, documents, version, decisions.
func (s *Server) servePath(q *call) error {
	switch path := q.r.URL.Path; {
	case path == "/version" || path == "/version/":
		return s.serveVersion(q)
	case path == "/api", path == "/apis", strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/apis/"):
		return s.serveDiscovery(q)
	case path == "/openapi/v2", path == "/openapi/v3", strings.HasPrefix(path, "/openapi/v3/"):
		return s.serveOpenAPI(q)
	case path == "/openid/v1/jwks", path == "/.well-known/openid-configuration":
		return s.serveIssuer(q.w, q.r)
	case path == "/drydock/decisions":
		return s.serveDecisions(q)
	case path == "/":
		return s.serveIndex(q)
	}
	http.NotFound(q.w, q.r)
	return nil
}
