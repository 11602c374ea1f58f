package cri

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/container"
	"drydock/sandbox/image"
	"drydock/sandbox/network"
)

// runtimeName is what "kubectl get nodes -o wide" shows before "://" and the version.
const runtimeName = "drydock"

// Version implements RuntimeService.
func (s *Server) Version(context.Context, *runtimeapi.VersionRequest) (*runtimeapi.VersionResponse, error) {
	return &runtimeapi.VersionResponse{
		Version:     "0.1.0", // of the kubelet's runtime API, which has been this since 2016
		RuntimeName: runtimeName, RuntimeVersion: s.cfg.Version, RuntimeApiVersion: "v1",
	}, nil
}

// Status implements RuntimeService. A runtime that answers is ready: everything was tried before it listened.
func (s *Server) Status(context.Context, *runtimeapi.StatusRequest) (*runtimeapi.StatusResponse, error) {
	return &runtimeapi.StatusResponse{
		Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{
			{Type: runtimeapi.RuntimeReady, Status: true},
			{Type: runtimeapi.NetworkReady, Status: true},
		}},
		Info: map[string]string{
			"snapshots": string(s.cfg.Images.Layers().Backing()),
			"podCIDR":   s.cfg.PodCIDR.String(),
			"limits":    s.limits(),
		},
		RuntimeHandlers: []*runtimeapi.RuntimeHandler{{Name: "", Features: &runtimeapi.RuntimeHandlerFeatures{}}},
		Features:        &runtimeapi.RuntimeFeatures{},
	}, nil
}

func (s *Server) limits() string {
	if s.cfg.Cgroups == nil {
		return "none"
	}
	return s.cfg.Cgroups.Tier().String()
}

// UpdateRuntimeConfig implements RuntimeService. The kubelet tells the node's pod CIDR here; ours was given at start.
func (s *Server) UpdateRuntimeConfig(_ context.Context, req *runtimeapi.UpdateRuntimeConfigRequest) (*runtimeapi.UpdateRuntimeConfigResponse, error) {
	if cidr := req.GetRuntimeConfig().GetNetworkConfig().GetPodCidr(); cidr != "" && cidr != s.cfg.PodCIDR.String() {
		return nil, status.Errorf(codes.FailedPrecondition, "this node's pods live in %s; %s cannot be used before a restart", s.cfg.PodCIDR, cidr)
	}
	return &runtimeapi.UpdateRuntimeConfigResponse{}, nil
}

// RuntimeConfig implements RuntimeService.
func (s *Server) RuntimeConfig(context.Context, *runtimeapi.RuntimeConfigRequest) (*runtimeapi.RuntimeConfigResponse, error) {
	return &runtimeapi.RuntimeConfigResponse{Linux: &runtimeapi.LinuxRuntimeConfiguration{CgroupDriver: runtimeapi.CgroupDriver_CGROUPFS}}, nil
}

// answerUnary gives errors the gRPC code that the kubelet looks at.
func answerUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := handler(ctx, req)
	return resp, withCode(err)
}

func answerStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return withCode(handler(srv, stream))
}

func withCode(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok { // has one, perhaps below
		return err
	}
	for sentinel, code := range map[error]codes.Code{
		image.ErrNotFound: codes.NotFound, network.ErrExhausted: codes.ResourceExhausted,
		container.ErrUserNotMapped: codes.InvalidArgument, container.ErrNotRunning: codes.FailedPrecondition,
		context.DeadlineExceeded: codes.DeadlineExceeded, context.Canceled: codes.Canceled,
	} {
		if errors.Is(err, sentinel) {
			return status.Error(code, err.Error())
		}
	}
	return status.Error(codes.Unknown, err.Error())
}
