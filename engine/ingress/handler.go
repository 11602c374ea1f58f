package ingress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// Handler is the web server that a table describes.
type Handler struct {
	// set once in NewHandler
	table  func() *Table
	output io.Writer // one line for each request
	proxy  *httputil.ReverseProxy
}

// NewHandler serves by the table of the moment and writes one line for each request to output.
func NewHandler(table func() *Table, output io.Writer) *Handler {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 60 * time.Second, DisableCompression: true,
	}
	return &Handler{table: table, output: output, proxy: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Header.Set("X-Real-IP", clientOf(r.In))
			r.Out.Header.Set("X-Forwarded-Scheme", r.Out.Header.Get("X-Forwarded-Proto"))
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "endpoint" // the transport knows which
			r.Out.Host = r.In.Host
		},
		Transport: &passage{transport}, ErrorHandler: failed, FlushInterval: -1, ErrorLog: quiet,
	}}
}

// visit is one request on its way.
type visit struct {
	target   *Target
	endpoint string // the one that took it
	status   int
}

type visitKey struct{}

// ServeHTTP leads one request to its endpoint.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	v := &visit{target: h.table().Find(r.Host, r.URL.Path)}
	recorded := &statusWriter{ResponseWriter: w, visit: v}
	switch {
	case v.target == nil:
		http.Error(recorded, "default backend - 404", http.StatusNotFound)
	case len(v.target.Endpoints) == 0:
		http.Error(recorded, "503 Service Temporarily Unavailable", http.StatusServiceUnavailable)
	default:
		h.proxy.ServeHTTP(recorded, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
	}
	fmt.Fprintf(h.output, "%s %q %d %s %s\n", clientOf(r), r.Method+" "+r.Host+r.URL.RequestURI(), v.status, time.Since(began).Round(time.Microsecond), v)
}

func (v *visit) String() string {
	if v.target == nil {
		return "-"
	}
	if v.endpoint == "" {
		return fmt.Sprintf("[%s %s] %s", v.target.Ingress, v.target.Service, v.target.Problem)
	}
	return fmt.Sprintf("[%s %s] %s", v.target.Ingress, v.target.Service, v.endpoint)
}

func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// passage sends a request to the endpoint whose turn it is, or to the next when that one does not even take the connection. A request
// that has been sent is never sent again: nobody knows what it did.
type passage struct{ transport http.RoundTripper }

func (p *passage) RoundTrip(r *http.Request) (*http.Response, error) {
	v := r.Context().Value(visitKey{}).(*visit)
	var problem error
	for _, v.endpoint = range v.target.inTurn() {
		out := r.Clone(r.Context())
		if r.Body != nil && r.Body != http.NoBody {
			out.Body = io.NopCloser(r.Body) // the transport closes the body of a request that it could not send
		}
		out.URL = &url.URL{Scheme: "http", Host: v.endpoint, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		response, err := p.transport.RoundTrip(out)
		if err == nil {
			return response, nil
		}
		problem = err
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" || r.Context().Err() != nil {
			break
		}
	}
	return nil, problem
}

func failed(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusBadGateway
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		status = http.StatusGatewayTimeout
	}
	http.Error(w, fmt.Sprintf("%d %s", status, http.StatusText(status)), status)
}

// statusWriter notes the status for the log. Unwrap lets http.ResponseController reach what is below: flushes, and the connection itself
// for protocols that take it over.
type statusWriter struct {
	http.ResponseWriter
	visit *visit
}

func (w *statusWriter) WriteHeader(status int) {
	w.visit.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.visit.status == 0 {
		w.visit.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
