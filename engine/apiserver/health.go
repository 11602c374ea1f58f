package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"drydock/engine/store"
)

func isHealthPath(path string) bool {
	for _, health := range []string{"/healthz", "/livez", "/readyz"} {
		if path == health || strings.HasPrefix(path, health+"/") {
			return true
		}
	}
	return false
}

// serveHealth says "ok" when the store answers; with ?verbose it names what was asked.
func (s *Server) serveHealth(q *call) error {
	_, err := s.store.List(context.WithoutCancel(q.ctx()), store.ListOptions{Prefix: "/registry/namespaces/", Limit: 1})
	lines := []string{"[+]ping ok", "[+]log ok"}
	name := strings.TrimPrefix(q.r.URL.Path, "/")
	name, _, _ = strings.Cut(name, "/")
	if err != nil {
		lines = append(lines, fmt.Sprintf("[-]etcd failed: %v", err), name+" check failed")
		q.respond(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte(strings.Join(lines, "\n")+"\n"))
		return nil
	}
	body := "ok"
	if q.r.URL.Query().Has("verbose") {
		body = strings.Join(append(lines, "[+]etcd ok", name+" check passed"), "\n") + "\n"
	}
	q.respond(http.StatusOK, "text/plain; charset=utf-8", []byte(body))
	return nil
}
