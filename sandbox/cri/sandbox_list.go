package cri

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// PodSandboxStatus implements RuntimeService.
func (s *Server) PodSandboxStatus(_ context.Context, req *runtimeapi.PodSandboxStatusRequest) (*runtimeapi.PodSandboxStatusResponse, error) {
	p, err := s.pod(req.GetPodSandboxId())
	if err != nil {
		return nil, err
	}
	resp := &runtimeapi.PodSandboxStatusResponse{Status: s.podStatus(p)}
	for _, c := range s.containersOf(p) {
		resp.ContainersStatuses = append(resp.ContainersStatuses, c.status())
	}
	return resp, nil
}

func (s *Server) podStatus(p *pod) *runtimeapi.PodSandboxStatus {
	st := &runtimeapi.PodSandboxStatus{
		Id: p.id, Metadata: p.config.GetMetadata(), State: s.podState(p), CreatedAt: p.created.UnixNano(),
		Labels: p.config.GetLabels(), Annotations: p.config.GetAnnotations(), Network: &runtimeapi.PodSandboxNetworkStatus{},
		Linux: &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{
			Options: p.config.GetLinux().GetSecurityContext().GetNamespaceOptions(),
		}},
	}
	// On the node's own network the address is left empty: the kubelet puts the node's there.
	if p.address.IsValid() {
		st.Network.Ip = p.address.String()
	}
	return st
}

func (s *Server) podState(p *pod) runtimeapi.PodSandboxState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ready {
		return runtimeapi.PodSandboxState_SANDBOX_READY
	}
	return runtimeapi.PodSandboxState_SANDBOX_NOTREADY
}

// ListPodSandbox implements RuntimeService, the newest first.
func (s *Server) ListPodSandbox(_ context.Context, req *runtimeapi.ListPodSandboxRequest) (*runtimeapi.ListPodSandboxResponse, error) {
	return &runtimeapi.ListPodSandboxResponse{Items: s.selectPods(req.GetFilter())}, nil
}

// StreamPodSandboxes implements RuntimeService: the same list, for nodes where it would not fit one message.
func (s *Server) StreamPodSandboxes(req *runtimeapi.StreamPodSandboxesRequest, stream grpc.ServerStreamingServer[runtimeapi.StreamPodSandboxesResponse]) error {
	return inPages(s.selectPods(req.GetFilter()), func(page []*runtimeapi.PodSandbox) error {
		return stream.Send(&runtimeapi.StreamPodSandboxesResponse{PodSandboxes: page})
	})
}

func (s *Server) selectPods(f *runtimeapi.PodSandboxFilter) []*runtimeapi.PodSandbox {
	only := ""
	if f.GetId() != "" {
		p, err := s.pod(f.GetId())
		if err != nil {
			return nil
		}
		only = p.id
	}
	var items []*runtimeapi.PodSandbox
	for _, p := range s.listPods() {
		state := s.podState(p)
		if only != "" && p.id != only || f.GetState() != nil && f.GetState().GetState() != state || !carries(p.config.GetLabels(), f.GetLabelSelector()) {
			continue
		}
		items = append(items, &runtimeapi.PodSandbox{
			Id: p.id, Metadata: p.config.GetMetadata(), State: state, CreatedAt: p.created.UnixNano(),
			Labels: p.config.GetLabels(), Annotations: p.config.GetAnnotations(),
		})
	}
	return items
}

// inPages cuts a list so that each message stays far below gRPC's limit.
func inPages[T proto.Message](items []T, send func([]T) error) error {
	const page = 500
	for len(items) > 0 {
		n := min(page, len(items))
		if err := send(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}
