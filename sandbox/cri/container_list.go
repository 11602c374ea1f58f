package cri

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func (c *ctr) stateLocked() runtimeapi.ContainerState {
	switch {
	case !c.finished.IsZero():
		return runtimeapi.ContainerState_CONTAINER_EXITED
	case c.process != nil:
		return runtimeapi.ContainerState_CONTAINER_RUNNING
	default:
		return runtimeapi.ContainerState_CONTAINER_CREATED
	}
}

func (c *ctr) state() runtimeapi.ContainerState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stateLocked()
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// status is the container as the kubelet reads it.
func (c *ctr) status() *runtimeapi.ContainerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := &runtimeapi.ContainerStatus{
		Id: c.id, Metadata: c.config.GetMetadata(), State: c.stateLocked(),
		CreatedAt: nanos(c.created), StartedAt: nanos(c.started), FinishedAt: nanos(c.finished),
		ExitCode: c.exitCode, Reason: c.reason, Message: c.message,
		Image: c.imageSpec(), ImageRef: c.imageRef(), ImageId: c.image.ID,
		Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(), Mounts: c.config.GetMounts(), LogPath: c.logPath,
		StopSignal: signalNumber(c.stopSignal), User: &runtimeapi.ContainerUser{Linux: c.user},
	}
	if c.resources != nil {
		st.Resources = &runtimeapi.ContainerResources{Linux: c.resources}
	}
	return st
}

// userOf is who the container's first process is.
func userOf(spec *specs.Spec) *runtimeapi.LinuxContainerUser {
	u := spec.Process.User
	linux := &runtimeapi.LinuxContainerUser{Uid: int64(u.UID), Gid: int64(u.GID)}
	for _, gid := range u.AdditionalGids {
		linux.SupplementalGroups = append(linux.SupplementalGroups, int64(gid))
	}
	return linux
}

// imageSpec names the image as a person would: by its first tag.
func (c *ctr) imageSpec() *runtimeapi.ImageSpec {
	name := c.config.GetImage().GetUserSpecifiedImage()
	if len(c.image.RepoTags) > 0 {
		name = c.image.RepoTags[0]
	}
	if name == "" {
		name = c.config.GetImage().GetImage()
	}
	return &runtimeapi.ImageSpec{Image: name}
}

// imageRef identifies the very bytes: the name with the manifest's digest, or the ID.
func (c *ctr) imageRef() string {
	if len(c.image.RepoDigests) > 0 {
		return c.image.RepoDigests[0]
	}
	return c.image.ID
}

// ContainerStatus implements RuntimeService.
func (s *Server) ContainerStatus(_ context.Context, req *runtimeapi.ContainerStatusRequest) (*runtimeapi.ContainerStatusResponse, error) {
	c, err := s.container(req.GetContainerId())
	if err != nil {
		return nil, err
	}
	resp := &runtimeapi.ContainerStatusResponse{Status: c.status()}
	if req.GetVerbose() {
		if resp.Info, err = c.info(); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// info is what "crictl inspect" shows beside the status.
func (c *ctr) info() (map[string]string, error) {
	pid := 0
	if process := c.running(); process != nil {
		pid = process.PID()
	}
	data, err := json.Marshal(map[string]any{"sandboxID": c.pod.id, "pid": pid, "rootfs": c.rootfs(), "runtimeSpec": c.spec})
	if err != nil {
		return nil, fmt.Errorf("describe container %s: %w", c.id, err)
	}
	return map[string]string{"info": string(data)}, nil
}

// ListContainers implements RuntimeService, the newest first.
func (s *Server) ListContainers(_ context.Context, req *runtimeapi.ListContainersRequest) (*runtimeapi.ListContainersResponse, error) {
	return &runtimeapi.ListContainersResponse{Containers: s.selectContainers(req.GetFilter())}, nil
}

// StreamContainers implements RuntimeService.
func (s *Server) StreamContainers(req *runtimeapi.StreamContainersRequest, stream grpc.ServerStreamingServer[runtimeapi.StreamContainersResponse]) error {
	return inPages(s.selectContainers(req.GetFilter()), func(page []*runtimeapi.Container) error {
		return stream.Send(&runtimeapi.StreamContainersResponse{Containers: page})
	})
}

func (s *Server) selectContainers(f *runtimeapi.ContainerFilter) []*runtimeapi.Container {
	var items []*runtimeapi.Container
	for _, c := range s.matching(f.GetId(), f.GetPodSandboxId(), f.GetLabelSelector()) {
		state := c.state()
		if f.GetState() != nil && f.GetState().GetState() != state {
			continue
		}
		items = append(items, &runtimeapi.Container{
			Id: c.id, PodSandboxId: c.pod.id, Metadata: c.config.GetMetadata(), Image: c.config.GetImage(), ImageRef: c.imageRef(),
			State: state, CreatedAt: c.created.UnixNano(), Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(), ImageId: c.image.ID,
		})
	}
	return items
}

// matching selects containers by id, pod and labels; empty selects all.
func (s *Server) matching(id, podID string, labels map[string]string) []*ctr {
	if id != "" {
		c, err := s.container(id)
		if err != nil {
			return nil
		}
		id = c.id
	}
	if podID != "" {
		p, err := s.pod(podID)
		if err != nil {
			return nil
		}
		podID = p.id
	}
	var found []*ctr
	for _, c := range s.listContainers() {
		if (id == "" || c.id == id) && (podID == "" || c.pod.id == podID) && carries(c.config.GetLabels(), labels) {
			found = append(found, c)
		}
	}
	return found
}
