package kubelet

import (
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
)

// TestGRPCProbe asks a real server; it is inside the package because the fake runtime's pods have no addresses to ask at. What a probe's
// answer does to a container is the same for all kinds of probes (TestLivenessRestarts).
func TestGRPCProbe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	state := health.NewServer()
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, state)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	defer func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	state.SetServingStatus("sick", healthpb.HealthCheckResponse_NOT_SERVING)
	for service, want := range map[string]struct {
		ok   bool
		said string
	}{
		"": {true, "service healthy"}, "sick": {false, "NOT_SERVING"}, "unknown": {false, "unknown service"},
	} {
		j := &probeJob{ip: "127.0.0.1", probe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			GRPC: &corev1.GRPCAction{Port: int32(l.Addr().(*net.TCPAddr).Port), Service: &service},
		}}}
		ok, said, err := j.run(t.Context(), nil)
		if ok != want.ok || err != nil || !strings.Contains(said, want.said) {
			t.Errorf("service %q: %v %q %v, want %v %q", service, ok, said, err, want.ok, want.said)
		}
	}
}
