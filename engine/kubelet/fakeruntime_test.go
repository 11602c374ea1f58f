package kubelet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// fakeRuntime is a container runtime in memory. It keeps what a real one would keep and reports events the same way; time
// is whatever time.Now says, so it works in a synctest bubble.
type fakeRuntime struct {
	runtimeapi.RuntimeServiceClient
	runtimeapi.ImageServiceClient

	mu         sync.Mutex
	next       int
	sandboxes  []*runtimeapi.PodSandboxStatus
	containers []*fakeContainer
	images     map[string]bool
	stored     []*runtimeapi.Image // what ListImages says, when set
	listeners  []chan *runtimeapi.ContainerEventResponse
	calls      []string
	starts     []time.Time // of all containers
	configs    []*runtimeapi.PodSandboxConfig
	parents    []string // where the sandboxes' cgroups are to lie, and their limits

	// what happens, by container or image name; all optional
	exitsAfter  map[string]time.Duration // a started container ends by itself
	exitCode    map[string]int32
	ignoreTerm  map[string]bool // SIGTERM does nothing: the grace period runs out
	pullError   map[string]error
	pullTakes   time.Duration
	runError    error // of RunPodSandbox
	notReady    bool  // what Status says
	removeFails bool  // of RemoveImage
	startError  map[string]error
	burns       map[string]uint64 // thousandths of a core that a container uses all the time
	holds       map[string]uint64 // bytes of memory
	exec        func(container string, command []string) (int32, string)
}

type fakeContainer struct {
	sandbox string
	config  *runtimeapi.ContainerConfig
	status  *runtimeapi.ContainerStatus
	ended   chan struct{}
}

func newFakeRuntime() *fakeRuntime {
	return &fakeRuntime{
		images: map[string]bool{"drydock/web:1": true}, exitsAfter: map[string]time.Duration{}, exitCode: map[string]int32{},
		ignoreTerm: map[string]bool{}, pullError: map[string]error{}, startError: map[string]error{},
		burns: map[string]uint64{}, holds: map[string]uint64{},
	}
}

func (f *fakeRuntime) note(format string, args ...any) {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *fakeRuntime) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fakeRuntime) Version(context.Context, *runtimeapi.VersionRequest, ...grpc.CallOption) (*runtimeapi.VersionResponse, error) {
	return &runtimeapi.VersionResponse{RuntimeName: "drydock", RuntimeVersion: "1"}, nil
}

// ListPodSandboxStats counts CPU time since the container's start, as a kernel does.
func (f *fakeRuntime) ListPodSandboxStats(context.Context, *runtimeapi.ListPodSandboxStatsRequest, ...grpc.CallOption) (*runtimeapi.ListPodSandboxStatsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := &runtimeapi.ListPodSandboxStatsResponse{}
	now := time.Now()
	value := func(n uint64) *runtimeapi.UInt64Value { return &runtimeapi.UInt64Value{Value: n} }
	for _, s := range f.sandboxes {
		linux := &runtimeapi.LinuxPodSandboxStats{
			Cpu: &runtimeapi.CpuUsage{UsageCoreNanoSeconds: value(0)}, Memory: &runtimeapi.MemoryUsage{WorkingSetBytes: value(0)},
		}
		for _, c := range f.containers {
			if c.sandbox != s.Id || c.status.State != runtimeapi.ContainerState_CONTAINER_RUNNING {
				continue
			}
			name := c.config.Metadata.Name
			total := uint64(now.Sub(time.Unix(0, c.status.StartedAt))) * f.burns[name] / 1000
			linux.Containers = append(linux.Containers, &runtimeapi.ContainerStats{
				Attributes: &runtimeapi.ContainerAttributes{Id: c.status.Id, Metadata: c.config.Metadata, Labels: c.config.Labels},
				Cpu:        &runtimeapi.CpuUsage{Timestamp: now.UnixNano(), UsageCoreNanoSeconds: value(total)},
				Memory:     &runtimeapi.MemoryUsage{Timestamp: now.UnixNano(), WorkingSetBytes: value(f.holds[name])},
			})
			linux.Cpu.UsageCoreNanoSeconds.Value += total
			linux.Memory.WorkingSetBytes.Value += f.holds[name]
		}
		answer.Stats = append(answer.Stats, &runtimeapi.PodSandboxStats{
			Attributes: &runtimeapi.PodSandboxAttributes{Id: s.Id, Metadata: s.Metadata, Labels: s.Labels}, Linux: linux,
		})
	}
	return answer, nil
}

func (f *fakeRuntime) Status(context.Context, *runtimeapi.StatusRequest, ...grpc.CallOption) (*runtimeapi.StatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &runtimeapi.StatusResponse{Status: &runtimeapi.RuntimeStatus{Conditions: []*runtimeapi.RuntimeCondition{
		{Type: "RuntimeReady", Status: true}, {Type: "NetworkReady", Status: !f.notReady, Reason: "NoCable", Message: "it is cut"},
	}}}, nil
}

func (f *fakeRuntime) ListImages(context.Context, *runtimeapi.ListImagesRequest, ...grpc.CallOption) (*runtimeapi.ListImagesResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stored != nil {
		return &runtimeapi.ListImagesResponse{Images: slices.Clone(f.stored)}, nil
	}
	return &runtimeapi.ListImagesResponse{Images: []*runtimeapi.Image{{Id: "sha256:1", RepoTags: []string{"drydock/web:1"}, Size: 4096}}}, nil
}

func (f *fakeRuntime) RemoveImage(_ context.Context, r *runtimeapi.RemoveImageRequest, _ ...grpc.CallOption) (*runtimeapi.RemoveImageResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("remove %s", r.Image.Image)
	if f.removeFails {
		return nil, errors.New("read-only file system")
	}
	f.stored = slices.DeleteFunc(f.stored, func(image *runtimeapi.Image) bool { return image.Id == r.Image.Image })
	return &runtimeapi.RemoveImageResponse{}, nil
}

func (f *fakeRuntime) ImageStatus(_ context.Context, r *runtimeapi.ImageStatusRequest, _ ...grpc.CallOption) (*runtimeapi.ImageStatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.images[r.Image.Image] {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	return &runtimeapi.ImageStatusResponse{Image: &runtimeapi.Image{Id: "sha256:" + r.Image.Image, Size: 4096}}, nil
}

func (f *fakeRuntime) PullImage(ctx context.Context, r *runtimeapi.PullImageRequest, _ ...grpc.CallOption) (*runtimeapi.PullImageResponse, error) {
	select {
	case <-time.After(f.pullTakes):
	case <-ctx.Done():
		return nil, grpcstatus.FromContextError(ctx.Err()).Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("pull %s", r.Image.Image)
	if err := f.pullError[r.Image.Image]; err != nil {
		return nil, err
	}
	f.images[r.Image.Image] = true
	return &runtimeapi.PullImageResponse{ImageRef: "sha256:" + r.Image.Image}, nil
}

func (f *fakeRuntime) RunPodSandbox(_ context.Context, r *runtimeapi.RunPodSandboxRequest, _ ...grpc.CallOption) (*runtimeapi.RunPodSandboxResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("sandbox %s", r.Config.Metadata.Name)
	if f.runError != nil {
		return nil, f.runError
	}
	f.next++
	f.configs = append(f.configs, r.Config)
	f.parents = append(f.parents, r.Config.Linux.CgroupParent+" "+limitsText(r.Config.Linux.Resources))
	s := &runtimeapi.PodSandboxStatus{
		Id: fmt.Sprintf("s%d", f.next), Metadata: r.Config.Metadata, State: runtimeapi.PodSandboxState_SANDBOX_READY,
		CreatedAt: time.Now().UnixNano() + int64(f.next), Labels: r.Config.Labels, Annotations: r.Config.Annotations,
		Network: &runtimeapi.PodSandboxNetworkStatus{Ip: fmt.Sprintf("10.244.1.%d", f.next)},
	}
	if r.Config.Linux.SecurityContext.NamespaceOptions.Network == runtimeapi.NamespaceMode_NODE {
		s.Network = nil
	}
	f.sandboxes = append(f.sandboxes, s)
	return &runtimeapi.RunPodSandboxResponse{PodSandboxId: s.Id}, nil
}

func (f *fakeRuntime) sandboxLocked(id string) *runtimeapi.PodSandboxStatus {
	for _, s := range f.sandboxes {
		if s.Id == id {
			return s
		}
	}
	return nil
}

func (f *fakeRuntime) PodSandboxStatus(_ context.Context, r *runtimeapi.PodSandboxStatusRequest, _ ...grpc.CallOption) (*runtimeapi.PodSandboxStatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sandboxLocked(r.PodSandboxId)
	if s == nil {
		return nil, grpcstatus.Error(codes.NotFound, "no such sandbox")
	}
	return &runtimeapi.PodSandboxStatusResponse{Status: proto.Clone(s).(*runtimeapi.PodSandboxStatus)}, nil
}

func selected(labels, selector map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func (f *fakeRuntime) ListPodSandbox(_ context.Context, r *runtimeapi.ListPodSandboxRequest, _ ...grpc.CallOption) (*runtimeapi.ListPodSandboxResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := &runtimeapi.ListPodSandboxResponse{}
	for _, s := range f.sandboxes {
		if selected(s.Labels, r.GetFilter().GetLabelSelector()) {
			list.Items = append(list.Items, &runtimeapi.PodSandbox{Id: s.Id, Metadata: s.Metadata, State: s.State, Labels: s.Labels, CreatedAt: s.CreatedAt})
		}
	}
	return list, nil
}

func (f *fakeRuntime) StopPodSandbox(ctx context.Context, r *runtimeapi.StopPodSandboxRequest, _ ...grpc.CallOption) (*runtimeapi.StopPodSandboxResponse, error) {
	f.mu.Lock()
	f.note("stop sandbox")
	s := f.sandboxLocked(r.PodSandboxId)
	f.mu.Unlock()
	if s != nil {
		f.killSandbox(r.PodSandboxId)
	}
	return &runtimeapi.StopPodSandboxResponse{}, nil
}

// killSandbox is what a machine's reboot does to a sandbox.
func (f *fakeRuntime) killSandbox(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sandboxLocked(id).State = runtimeapi.PodSandboxState_SANDBOX_NOTREADY
	for _, c := range f.containers {
		if c.sandbox == id {
			f.endLocked(c, 128+int32(syscall.SIGKILL))
		}
	}
}

func (f *fakeRuntime) RemovePodSandbox(_ context.Context, r *runtimeapi.RemovePodSandboxRequest, _ ...grpc.CallOption) (*runtimeapi.RemovePodSandboxResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("remove sandbox")
	f.sandboxes = slices.DeleteFunc(f.sandboxes, func(s *runtimeapi.PodSandboxStatus) bool { return s.Id == r.PodSandboxId })
	f.containers = slices.DeleteFunc(f.containers, func(c *fakeContainer) bool { return c.sandbox == r.PodSandboxId })
	return &runtimeapi.RemovePodSandboxResponse{}, nil
}

func (f *fakeRuntime) RemoveContainer(_ context.Context, r *runtimeapi.RemoveContainerRequest, _ ...grpc.CallOption) (*runtimeapi.RemoveContainerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.containers = slices.DeleteFunc(f.containers, func(c *fakeContainer) bool { return c.status.Id == r.ContainerId })
	return &runtimeapi.RemoveContainerResponse{}, nil
}

func (f *fakeRuntime) CreateContainer(_ context.Context, r *runtimeapi.CreateContainerRequest, _ ...grpc.CallOption) (*runtimeapi.CreateContainerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note("create %s", r.Config.Metadata.Name)
	f.next++
	c := &fakeContainer{sandbox: r.PodSandboxId, config: r.Config, ended: make(chan struct{}), status: &runtimeapi.ContainerStatus{
		Id: fmt.Sprintf("c%d", f.next), Metadata: r.Config.Metadata, State: runtimeapi.ContainerState_CONTAINER_CREATED,
		CreatedAt: time.Now().UnixNano() + int64(f.next), Image: r.Config.Image, ImageRef: r.Config.Image.Image,
		Labels: r.Config.Labels, Annotations: r.Config.Annotations, Mounts: r.Config.Mounts,
		Resources: &runtimeapi.ContainerResources{Linux: r.Config.Linux.Resources},
	}}
	f.containers = append(f.containers, c)
	return &runtimeapi.CreateContainerResponse{ContainerId: c.status.Id}, nil
}

func (f *fakeRuntime) UpdatePodSandboxResources(_ context.Context, r *runtimeapi.UpdatePodSandboxResourcesRequest, _ ...grpc.CallOption) (*runtimeapi.UpdatePodSandboxResourcesResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parents = append(f.parents, "resize "+limitsText(r.Resources))
	return &runtimeapi.UpdatePodSandboxResourcesResponse{}, nil
}

func limitsText(r *runtimeapi.LinuxContainerResources) string {
	return fmt.Sprintf("shares %d quota %d memory %d", r.GetCpuShares(), r.GetCpuQuota(), r.GetMemoryLimitInBytes())
}

func (f *fakeRuntime) UpdateContainerResources(_ context.Context, r *runtimeapi.UpdateContainerResourcesRequest, _ ...grpc.CallOption) (*runtimeapi.UpdateContainerResourcesResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containerLocked(r.ContainerId)
	f.note("resize %s to cpu %d memory %d", c.config.Metadata.Name, r.Linux.CpuQuota, r.Linux.MemoryLimitInBytes)
	c.status.Resources = &runtimeapi.ContainerResources{Linux: r.Linux}
	return &runtimeapi.UpdateContainerResourcesResponse{}, nil
}

// ReopenContainerLog makes the container's log anew, as a runtime does after a rotation.
func (f *fakeRuntime) ReopenContainerLog(_ context.Context, r *runtimeapi.ReopenContainerLogRequest, _ ...grpc.CallOption) (*runtimeapi.ReopenContainerLogResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &runtimeapi.ReopenContainerLogResponse{}, os.WriteFile(f.containerLocked(r.ContainerId).status.LogPath, nil, 0o600)
}

func (f *fakeRuntime) containerLocked(id string) *fakeContainer {
	for _, c := range f.containers {
		if c.status.Id == id {
			return c
		}
	}
	return nil
}

func (f *fakeRuntime) StartContainer(_ context.Context, r *runtimeapi.StartContainerRequest, _ ...grpc.CallOption) (*runtimeapi.StartContainerResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containerLocked(r.ContainerId)
	name := c.config.Metadata.Name
	f.note("start %s", name)
	if err := f.startError[name]; err != nil {
		return nil, err
	}
	c.status.State, c.status.StartedAt = runtimeapi.ContainerState_CONTAINER_RUNNING, time.Now().UnixNano()
	f.starts = append(f.starts, time.Now())
	if after, found := f.exitsAfter[name]; found {
		time.AfterFunc(after, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.endLocked(c, f.exitCode[name])
		})
	}
	f.tellLocked(c.sandbox)
	return &runtimeapi.StartContainerResponse{}, nil
}

// end lets the newest container of that name end by itself.
func (f *fakeRuntime) end(name string, code int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range slices.Backward(f.containers) {
		if c.config.Metadata.Name == name {
			f.endLocked(c, code)
			return
		}
	}
}

func (f *fakeRuntime) endLocked(c *fakeContainer, code int32) {
	if c.status.State == runtimeapi.ContainerState_CONTAINER_EXITED {
		return
	}
	c.status.State, c.status.FinishedAt, c.status.ExitCode = runtimeapi.ContainerState_CONTAINER_EXITED, time.Now().UnixNano(), code
	c.status.Reason = "Error"
	if code == 0 {
		c.status.Reason = "Completed"
	}
	close(c.ended)
	f.tellLocked(c.sandbox)
}

func (f *fakeRuntime) StopContainer(ctx context.Context, r *runtimeapi.StopContainerRequest, _ ...grpc.CallOption) (*runtimeapi.StopContainerResponse, error) {
	f.mu.Lock()
	c := f.containerLocked(r.ContainerId)
	if c == nil {
		f.mu.Unlock()
		return nil, grpcstatus.Error(codes.NotFound, "no such container")
	}
	f.note("stop %s %ds", c.config.Metadata.Name, r.Timeout)
	ignores := f.ignoreTerm[c.config.Metadata.Name]
	if !ignores {
		f.endLocked(c, 0)
	}
	f.mu.Unlock()
	select {
	case <-c.ended:
	case <-ctx.Done():
		return nil, grpcstatus.FromContextError(ctx.Err()).Err()
	case <-time.After(time.Duration(r.Timeout) * time.Second):
		f.mu.Lock()
		f.endLocked(c, 128+int32(syscall.SIGKILL))
		f.mu.Unlock()
	}
	return &runtimeapi.StopContainerResponse{}, nil
}

func (f *fakeRuntime) ListContainers(_ context.Context, r *runtimeapi.ListContainersRequest, _ ...grpc.CallOption) (*runtimeapi.ListContainersResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := &runtimeapi.ListContainersResponse{}
	for _, c := range f.containers {
		if selected(c.status.Labels, r.GetFilter().GetLabelSelector()) && (r.GetFilter().GetPodSandboxId() == "" || r.Filter.PodSandboxId == c.sandbox) {
			list.Containers = append(list.Containers, &runtimeapi.Container{Id: c.status.Id, PodSandboxId: c.sandbox, State: c.status.State, Labels: c.status.Labels, ImageRef: c.status.ImageRef})
		}
	}
	return list, nil
}

func (f *fakeRuntime) ContainerStatus(_ context.Context, r *runtimeapi.ContainerStatusRequest, _ ...grpc.CallOption) (*runtimeapi.ContainerStatusResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.containerLocked(r.ContainerId)
	if c == nil {
		return nil, grpcstatus.Error(codes.NotFound, "no such container")
	}
	return &runtimeapi.ContainerStatusResponse{Status: proto.Clone(c.status).(*runtimeapi.ContainerStatus)}, nil
}

func (f *fakeRuntime) ExecSync(_ context.Context, r *runtimeapi.ExecSyncRequest, _ ...grpc.CallOption) (*runtimeapi.ExecSyncResponse, error) {
	f.mu.Lock()
	c, exec := f.containerLocked(r.ContainerId), f.exec
	f.mu.Unlock()
	if exec == nil {
		return &runtimeapi.ExecSyncResponse{}, nil
	}
	code, output := exec(c.config.Metadata.Name, r.Cmd)
	return &runtimeapi.ExecSyncResponse{ExitCode: code, Stdout: []byte(output)}, nil
}

// running names the containers that run.
func (f *fakeRuntime) running() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, c := range f.containers {
		if c.status.State == runtimeapi.ContainerState_CONTAINER_RUNNING {
			names = append(names, c.config.Metadata.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (f *fakeRuntime) newest(name string) *fakeContainer {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range slices.Backward(f.containers) {
		if c.config.Metadata.Name == name {
			return c
		}
	}
	return nil
}

func (f *fakeRuntime) tellLocked(sandbox string) {
	event := &runtimeapi.ContainerEventResponse{PodSandboxStatus: f.sandboxLocked(sandbox)}
	for _, listener := range f.listeners {
		select {
		case listener <- event:
		default:
		}
	}
}

func (f *fakeRuntime) GetContainerEvents(ctx context.Context, _ *runtimeapi.GetEventsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[runtimeapi.ContainerEventResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	listener := make(chan *runtimeapi.ContainerEventResponse, 100)
	f.listeners = append(f.listeners, listener)
	return &fakeStream{ctx: ctx, events: listener}, nil
}

type fakeStream struct {
	grpc.ClientStream
	ctx    context.Context
	events chan *runtimeapi.ContainerEventResponse
}

func (s *fakeStream) Recv() (*runtimeapi.ContainerEventResponse, error) {
	select {
	case event := <-s.events:
		return event, nil
	case <-s.ctx.Done():
		return nil, io.EOF
	}
}
