package cri

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/network"
)

func number(n uint64) *runtimeapi.UInt64Value { return &runtimeapi.UInt64Value{Value: n} }

// ContainerStats implements RuntimeService.
func (s *Server) ContainerStats(ctx context.Context, req *runtimeapi.ContainerStatsRequest) (*runtimeapi.ContainerStatsResponse, error) {
	c, err := s.container(req.GetContainerId())
	if err != nil {
		return nil, err
	}
	stats, err := s.containerStats(ctx, c)
	return &runtimeapi.ContainerStatsResponse{Stats: stats}, err
}

// containerStats measures one container: its cgroup, and what it has written.
func (s *Server) containerStats(ctx context.Context, c *ctr) (*runtimeapi.ContainerStats, error) {
	now := time.Now().UnixNano()
	var bytes, inodes int64
	if !c.past { // else its snapshot went with the server that made it
		var err error
		if bytes, inodes, err = s.cfg.Images.Layers().Usage(ctx, c.id); err != nil {
			return nil, err
		}
	}
	stats := &runtimeapi.ContainerStats{
		Attributes: &runtimeapi.ContainerAttributes{
			Id: c.id, Metadata: c.config.GetMetadata(), Labels: c.config.GetLabels(), Annotations: c.config.GetAnnotations(),
		},
		WritableLayer: &runtimeapi.FilesystemUsage{
			Timestamp: now, FsId: &runtimeapi.FilesystemIdentifier{Mountpoint: s.cfg.Images.Root()},
			UsedBytes: number(uint64(bytes)), InodesUsed: number(uint64(inodes)),
		},
	}
	if c.group == nil || c.running() == nil {
		return stats, nil
	}
	u, err := c.group.Usage()
	if err != nil {
		return nil, fmt.Errorf("measure container %s: %w", c.id, err)
	}
	at := u.At.UnixNano()
	stats.Cpu = &runtimeapi.CpuUsage{Timestamp: at, UsageCoreNanoSeconds: number(uint64(u.CPU))}
	stats.Memory = &runtimeapi.MemoryUsage{Timestamp: at, WorkingSetBytes: number(uint64(u.MemoryBytes)), UsageBytes: number(uint64(u.MemoryBytes))}
	return stats, nil
}

// ListContainerStats implements RuntimeService. Containers that go away meanwhile are left out.
func (s *Server) ListContainerStats(ctx context.Context, req *runtimeapi.ListContainerStatsRequest) (*runtimeapi.ListContainerStatsResponse, error) {
	f := req.GetFilter()
	resp := &runtimeapi.ListContainerStatsResponse{}
	for _, c := range s.matching(f.GetId(), f.GetPodSandboxId(), f.GetLabelSelector()) {
		if stats, err := s.containerStats(ctx, c); err == nil {
			resp.Stats = append(resp.Stats, stats)
		}
	}
	return resp, nil
}

// StreamContainerStats implements RuntimeService.
func (s *Server) StreamContainerStats(req *runtimeapi.StreamContainerStatsRequest, stream grpc.ServerStreamingServer[runtimeapi.StreamContainerStatsResponse]) error {
	all, err := s.ListContainerStats(stream.Context(), &runtimeapi.ListContainerStatsRequest{Filter: req.GetFilter()})
	if err != nil {
		return err
	}
	return inPages(all.GetStats(), func(page []*runtimeapi.ContainerStats) error {
		return stream.Send(&runtimeapi.StreamContainerStatsResponse{ContainerStats: page})
	})
}

// PodSandboxStats implements RuntimeService.
func (s *Server) PodSandboxStats(ctx context.Context, req *runtimeapi.PodSandboxStatsRequest) (*runtimeapi.PodSandboxStatsResponse, error) {
	p, err := s.pod(req.GetPodSandboxId())
	if err != nil {
		return nil, err
	}
	stats, err := s.podStats(ctx, p)
	return &runtimeapi.PodSandboxStatsResponse{Stats: stats}, err
}

// podStats adds up the pod's containers and reads its interface's counters.
func (s *Server) podStats(ctx context.Context, p *pod) (*runtimeapi.PodSandboxStats, error) {
	now := time.Now().UnixNano()
	linux := &runtimeapi.LinuxPodSandboxStats{
		Cpu:    &runtimeapi.CpuUsage{Timestamp: now, UsageCoreNanoSeconds: number(0)},
		Memory: &runtimeapi.MemoryUsage{Timestamp: now, WorkingSetBytes: number(0), UsageBytes: number(0)},
	}
	for _, c := range s.containersOf(p) {
		stats, err := s.containerStats(ctx, c)
		if err != nil {
			return nil, err
		}
		linux.Containers = append(linux.Containers, stats)
		linux.Cpu.UsageCoreNanoSeconds.Value += stats.GetCpu().GetUsageCoreNanoSeconds().GetValue()
		linux.Memory.WorkingSetBytes.Value += stats.GetMemory().GetWorkingSetBytes().GetValue()
		linux.Memory.UsageBytes.Value += stats.GetMemory().GetUsageBytes().GetValue()
	}
	if !p.hostNetwork && s.podState(p) == runtimeapi.PodSandboxState_SANDBOX_READY {
		eth0, err := p.counters()
		if err != nil {
			return nil, err
		}
		linux.Network = &runtimeapi.NetworkUsage{Timestamp: now, DefaultInterface: eth0, Interfaces: []*runtimeapi.NetworkInterfaceUsage{eth0}}
	}
	return &runtimeapi.PodSandboxStats{Linux: linux, Attributes: &runtimeapi.PodSandboxAttributes{
		Id: p.id, Metadata: p.config.GetMetadata(), Labels: p.config.GetLabels(), Annotations: p.config.GetAnnotations(),
	}}, nil
}

// counters reads the pod's eth0 in /proc/net/dev, which shows the network of the thread that reads it.
func (p *pod) counters() (*runtimeapi.NetworkInterfaceUsage, error) {
	var data []byte
	err := network.Do(p.netns(), func() (err error) {
		data, err = os.ReadFile("/proc/thread-self/net/dev")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read network counters: %w", err)
	}
	return parseCounters(string(data), "eth0"), nil
}

// parseCounters finds one interface in the text of /proc/net/dev: eight receive columns (bytes, packets, errs …), eight to
// transmit. An interface that is not there counts nothing.
func parseCounters(text, name string) *runtimeapi.NetworkInterfaceUsage {
	usage := &runtimeapi.NetworkInterfaceUsage{Name: name, RxBytes: number(0), RxErrors: number(0), TxBytes: number(0), TxErrors: number(0)}
	for line := range strings.Lines(text) {
		key, rest, ok := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if !ok || strings.TrimSpace(key) != name || len(f) < 16 {
			continue
		}
		for i, to := range map[int]*runtimeapi.UInt64Value{0: usage.RxBytes, 2: usage.RxErrors, 8: usage.TxBytes, 10: usage.TxErrors} {
			to.Value, _ = strconv.ParseUint(f[i], 10, 64) // the kernel writes numbers
		}
	}
	return usage
}

// ListPodSandboxStats implements RuntimeService.
func (s *Server) ListPodSandboxStats(ctx context.Context, req *runtimeapi.ListPodSandboxStatsRequest) (*runtimeapi.ListPodSandboxStatsResponse, error) {
	resp := &runtimeapi.ListPodSandboxStatsResponse{}
	for _, p := range s.listPods() {
		if id := req.GetFilter().GetId(); id != "" && id != p.id || !carries(p.config.GetLabels(), req.GetFilter().GetLabelSelector()) {
			continue
		}
		if stats, err := s.podStats(ctx, p); err == nil { // one that is just going away is left out
			resp.Stats = append(resp.Stats, stats)
		}
	}
	return resp, nil
}

// StreamPodSandboxStats implements RuntimeService.
func (s *Server) StreamPodSandboxStats(req *runtimeapi.StreamPodSandboxStatsRequest, stream grpc.ServerStreamingServer[runtimeapi.StreamPodSandboxStatsResponse]) error {
	all, err := s.ListPodSandboxStats(stream.Context(), &runtimeapi.ListPodSandboxStatsRequest{Filter: req.GetFilter()})
	if err != nil {
		return err
	}
	return inPages(all.GetStats(), func(page []*runtimeapi.PodSandboxStats) error {
		return stream.Send(&runtimeapi.StreamPodSandboxStatsResponse{PodSandboxStats: page})
	})
}
