package kubelet

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// listen gives an address of this machine on which nobody answers until somebody serves on it.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func serveGRPC(t *testing.T, register func(*grpc.Server)) string {
	t.Helper()
	listener, server := listen(t), grpc.NewServer()
	register(server)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

type slowHealth struct {
	healthpb.UnimplementedHealthServer
}

func (slowHealth) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestGRPCProbe asks real servers; it is inside the package because the fake runtime's pods have no addresses to ask at. What a probe's
// answer does to a container is the same for all kinds of probes (TestLivenessRestarts).
func TestGRPCProbe(t *testing.T) {
	states := health.NewServer()
	states.SetServingStatus("ready", healthpb.HealthCheckResponse_SERVING)
	states.SetServingStatus("ill", healthpb.HealthCheckResponse_NOT_SERVING)
	healthy := serveGRPC(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, states) })
	other := serveGRPC(t, func(*grpc.Server) {})
	slow := serveGRPC(t, func(s *grpc.Server) { healthpb.RegisterHealthServer(s, slowHealth{}) })
	closed := listen(t)
	closed.Close()
	nobody := closed.Addr().String()
	for name, c := range map[string]struct {
		address, service string
		timeout          int32 // seconds
		want             probeAnswer
	}{
		"whole server":    {healthy, "", 10, probeAnswer{ok: true, output: "service healthy"}},
		"one service":     {healthy, "ready", 10, probeAnswer{ok: true, output: "service healthy"}},
		"ill service":     {healthy, "ill", 10, probeAnswer{output: `service unhealthy (responded with "NOT_SERVING")`}},
		"unknown service": {healthy, "nosuch", 10, probeAnswer{output: "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"}},
		"no health protocol": {other, "", 10, probeAnswer{
			output: "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health",
		}},
		"never answers": {slow, "", 1, probeAnswer{output: "timeout: health rpc did not complete within 1s"}},
		"nobody there": {nobody, "", 1, probeAnswer{
			output: "timeout: failed to connect service \"" + nobody + "\" within 1s: context deadline exceeded",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			host, port, _ := net.SplitHostPort(c.address)
			number, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			probe := &corev1.Probe{TimeoutSeconds: c.timeout}
			probe.GRPC = &corev1.GRPCAction{Port: int32(number), Service: &c.service}
			got, err := (&probeJob{ip: host, probe: probe}).run(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(probeAnswer{})); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// action is an HTTP action that leads to a test server.
func action(t *testing.T, server *httptest.Server, path string, headers ...corev1.HTTPHeader) *corev1.HTTPGetAction {
	t.Helper()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.HTTPGetAction{Host: at.Hostname(), Port: intstr.FromInt(port), Path: path, HTTPHeaders: headers}
}

func TestHTTPProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/fine", http.StatusFound)
		case "/ill":
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	for path, want := range map[string]probeAnswer{
		"/fine": {ok: true},
		"/here": {ok: true},
		"/away": {ok: true, warn: true, output: "Probe terminated redirects, Response body: <a href=\"http://elsewhere.invalid/\">Found</a>.\n\n"},
		"/ill":  {output: "HTTP probe failed with statuscode: 500"},
	} {
		request, err := httpRequest(t.Context(), action(t, server, path), httpTarget{agent: probeAgent})
		if err != nil {
			t.Fatal(err)
		}
		got, err := probeHTTP(request, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(probeAnswer{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestHeadersOfProbesAndHooks(t *testing.T) {
	header := func(pairs ...string) []corev1.HTTPHeader {
		var out []corev1.HTTPHeader
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, corev1.HTTPHeader{Name: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	for name, c := range map[string]struct {
		headers []corev1.HTTPHeader
		agent   string
		want    string // host, agent, accept, others
	}{
		"probe":           {nil, probeAgent, "127.0.0.1 kube-probe/1.37 */*"},
		"hook":            {nil, hookAgent, "127.0.0.1 kube-lifecycle/1.37 */*"},
		"own host":        {header("host", "shop.example"), probeAgent, "shop.example kube-probe/1.37 */*"},
		"own agent":       {header("User-Agent", "me/1"), probeAgent, "127.0.0.1 me/1 */*"},
		"own accept":      {header("Accept", "text/html"), probeAgent, "127.0.0.1 kube-probe/1.37 text/html"},
		"nothing is fine": {header("Accept", ""), probeAgent, "127.0.0.1 kube-probe/1.37 "},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				host, _, _ := strings.Cut(r.Host, ":")
				got = host + " " + r.UserAgent() + " " + r.Header.Get("Accept")
			}))
			defer server.Close()
			request, err := httpRequest(t.Context(), action(t, server, "/", c.headers...), httpTarget{agent: c.agent})
			if err != nil {
				t.Fatal(err)
			}
			if err := callHook(request); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("the server saw %q, want %q", got, c.want)
			}
		})
	}
}
