package kubelet

import (
	"context"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"
)

// probeGRPC asks for the health of one service ("" for the whole server) by the gRPC health protocol. Whatever goes wrong is a failure,
// as with the tool grpc_health_probe.
func probeGRPC(ctx context.Context, address, service string, timeout time.Duration) (probeAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// passthrough, and a dialer of our own: no name service and no proxy has a say in where a pod is.
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUserAgent(probeAgent), grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		}))
	if err != nil {
		return failedProbe("error: failed to connect service at %q: %v", address, err), nil
	}
	defer func() { _ = conn.Close() }() // a probe has its answer by then
	if err := connected(ctx, conn); err != nil {
		return failedProbe("timeout: failed to connect service %q within %v: %v", address, timeout, err), nil
	}
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		return grpcFailure(err, timeout), nil
	}
	if answer.Status != healthpb.HealthCheckResponse_SERVING {
		return failedProbe("service unhealthy (responded with %q)", answer.Status), nil
	}
	return probeAnswer{ok: true, output: "service healthy"}, nil
}

// connected waits until conn is up. A refused connection is tried again as long as ctx lasts: a server may be about to listen.
func connected(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		conn.Connect()
		state := conn.GetState()
		if state == connectivity.Ready {
			return nil
		}
		if !conn.WaitForStateChange(ctx, state) {
			return ctx.Err()
		}
	}
}

func grpcFailure(err error, timeout time.Duration) probeAnswer {
	switch status, _ := grpcstatus.FromError(err); {
	case status.Code() == codes.Unimplemented:
		return failedProbe("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): %s", status.Message())
	case status.Code() == codes.DeadlineExceeded, errors.Is(err, context.DeadlineExceeded):
		return failedProbe("timeout: health rpc did not complete within %v", timeout)
	}
	return failedProbe("error: health rpc probe failed: %v", err)
}
