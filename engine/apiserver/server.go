package apiserver

import (
	"net/http"
)

// Server answers Kubernetes API requests. It is an http.Handler for TLS listeners; Admin is its handler for the unix socket.
// All methods may be called at the same time.
type Server struct {
	// set once in New
	options Options
}

// New prepares a server on a store: it writes the objects every cluster starts with (namespaces, the Service
// default/kubernetes) where they are missing, and rebuilds what it must remember (addresses in use) from the store.
func New(options Options) (*Server, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	return &Server{options: options}, nil
}

// ServeHTTP serves clients that prove who they are with a certificate or a token.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.Error(w, "not yet", http.StatusNotImplemented)
}

// Admin serves every request as user "admin" of group system:masters. It is for a listener that only the owner of the lab
// can reach, such as api.sock.
func (s *Server) Admin() http.Handler {
	return http.HandlerFunc(s.ServeHTTP)
}
