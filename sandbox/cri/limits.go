package cri

import (
	"context"
	"fmt"
	"path"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cgroup"
)

// limitsOf reads the interface's numbers: a quota per period, in microseconds, and bytes.
func limitsOf(r *runtimeapi.LinuxContainerResources) cgroup.Limits {
	var l cgroup.Limits
	if r.GetCpuQuota() > 0 && r.GetCpuPeriod() > 0 {
		l.CPUMillis = r.GetCpuQuota() * 1000 / r.GetCpuPeriod()
	}
	l.CPUShares = max(0, r.GetCpuShares())
	l.MemoryBytes = max(0, r.GetMemoryLimitInBytes())
	return l
}

// limit makes the container's cgroup.
func (s *Server) limit(c *ctr) error {
	if s.cfg.Cgroups == nil {
		return nil
	}
	name := c.id
	if c.pod.group != nil {
		name = path.Join(c.pod.groupName, c.id)
	}
	group, err := s.cfg.Cgroups.New(name, limitsOf(c.resources))
	if err != nil {
		return err
	}
	c.group = group
	return nil
}

func (c *ctr) releaseGroup() error {
	if c.group == nil {
		return nil
	}
	return c.group.Remove()
}

// UpdateContainerResources implements RuntimeService: new limits for a running container. Numbers that are zero stay.
func (s *Server) UpdateContainerResources(_ context.Context, req *runtimeapi.UpdateContainerResourcesRequest) (*runtimeapi.UpdateContainerResourcesResponse, error) {
	c, err := s.container(req.GetContainerId())
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := merged(c.resources, req.GetLinux())
	if c.group != nil {
		if err := c.group.Set(limitsOf(next)); err != nil {
			return nil, fmt.Errorf("update limits of container %s: %w", c.id, err)
		}
	}
	c.resources = next
	return &runtimeapi.UpdateContainerResourcesResponse{}, nil
}

// merged lays the numbers that are set in change over old.
func merged(old, change *runtimeapi.LinuxContainerResources) *runtimeapi.LinuxContainerResources {
	pick := func(was, now int64) int64 {
		if now != 0 {
			return now
		}
		return was
	}
	return &runtimeapi.LinuxContainerResources{
		CpuPeriod: pick(old.GetCpuPeriod(), change.GetCpuPeriod()), CpuQuota: pick(old.GetCpuQuota(), change.GetCpuQuota()),
		CpuShares:          pick(old.GetCpuShares(), change.GetCpuShares()),
		MemoryLimitInBytes: pick(old.GetMemoryLimitInBytes(), change.GetMemoryLimitInBytes()),
		OomScoreAdj:        pick(old.GetOomScoreAdj(), change.GetOomScoreAdj()),
	}
}
