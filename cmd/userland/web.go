package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

var _ = register("web", "[-p PORT]   (a web server that says who it is; image drydock/web)", web)

// site is the web server of the image drydock/web. Its manners can be changed while it runs, for lessons on probes.
type site struct {
	version string
	host    string
	ready   atomic.Bool
	healthy atomic.Bool
	hits    atomic.Int64
}

func web(p *process) int {
	port := 8080
	if text := os.Getenv("PORT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return p.fail(fmt.Errorf("PORT=%q is not a number", text))
		}
		port = n
	}
	if len(p.args) == 2 && p.args[0] == "-p" {
		n, err := strconv.Atoi(p.args[1])
		if err != nil {
			return p.misuse()
		}
		port = n
	} else if len(p.args) > 0 {
		return p.misuse()
	}
	host, err := os.Hostname()
	if err != nil {
		return p.fail(err)
	}
	s := &site{version: os.Getenv("WEB_VERSION"), host: host}
	s.ready.Store(true)
	s.healthy.Store(true)
	return s.serve(p, port)
}

func (s *site) serve(p *process, port int) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintf(p.stdout, "web version %s on %s: listening on port %d\n", s.version, s.host, port)
	server := &http.Server{Handler: s.logged(p, s.routes()), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		fmt.Fprintln(p.stdout, "asked to stop: finishing the requests at hand")
		err = server.Shutdown(context.Background())
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return p.fail(err)
	}
	return 0
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, "Hello from %s, version %s. You are visitor %d.\n", s.host, s.version, s.hits.Add(1))
	})
	mux.HandleFunc("GET /hostname", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, s.host) })
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, s.version) })
	mux.HandleFunc("GET /whoami", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "host %s\nversion %s\nclient %s\nserver %s\n", s.host, s.version, r.RemoteAddr, r.Host)
	})
	mux.HandleFunc("GET /healthz", answer(&s.healthy))
	mux.HandleFunc("GET /readyz", answer(&s.ready))
	mux.HandleFunc("POST /healthz/{state}", change(&s.healthy))
	mux.HandleFunc("POST /readyz/{state}", change(&s.ready))
	mux.HandleFunc("GET /slow", slow)
	return mux
}

// answer is ok or 503, by a switch.
func answer(state *atomic.Bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !state.Load() {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

// change throws the switch: POST /readyz/off makes the server report that it is not ready.
func change(state *atomic.Bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.PathValue("state") {
		case "on":
			state.Store(true)
		case "off":
			state.Store(false)
		default:
			http.Error(w, "on or off", http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, r.PathValue("state"))
	}
}

// slow answers after ?ms= milliseconds.
func slow(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.Atoi(r.URL.Query().Get("ms"))
	if err != nil || ms < 0 {
		ms = 1000
	}
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		fmt.Fprintf(w, "after %d ms\n", ms)
	case <-r.Context().Done():
	}
}

// logged writes one line for each request, as web servers do.
func (s *site) logged(p *process, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		recorded := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorded, r)
		fmt.Fprintf(p.stdout, "%s %s %s %d %s\n", r.RemoteAddr, r.Method, r.URL.Path, recorded.status, time.Since(began).Round(time.Microsecond))
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
