package cri

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cgroup"
)

// leastShares is what a group gets that has asked for nothing.
const leastShares = 2

// classes are the groups that pods lie in, by name: kubepods, where pods of the class Guaranteed are, and in it burstable and
// besteffort. They are made with the first pod in them and stay.
//
// Kubernetes: the kubelet makes them and the pods' groups; here the runtime does, which owns all groups of the node.
type classes struct {
	mu    sync.Mutex
	known map[string]*class // guarded by mu
}

// allPods is the group of all pods. Its limits are the node's, whoever is in it.
const allPods = "kubepods"

type class struct {
	group  cgroup.Group
	shares map[string]int64 // of the pods in it, by pod
}

// limitPod makes the pod's own group, of which its containers' are parts.
func (s *Server) limitPod(p *pod) error {
	name := strings.Trim(p.config.GetLinux().GetCgroupParent(), "/")
	// The governor of the emulated tier looks at containers one by one: a group without processes of its own would only wake it.
	if s.cfg.Cgroups == nil || s.cfg.Cgroups.Tier() == cgroup.Emulated || name == "" {
		return nil
	}
	s.classes.mu.Lock()
	defer s.classes.mu.Unlock()
	if err := s.makeClassLocked(path.Dir(name)); err != nil {
		return err
	}
	limits := limitsOf(p.config.GetLinux().GetResources())
	group, err := s.cfg.Cgroups.New(name, limits)
	if err != nil {
		return err
	}
	p.group, p.groupName = group, name
	return s.classes.weighLocked(path.Dir(name), p.id, limits.CPUShares)
}

// makeClassLocked makes a class, and the one it lies in before it. The caller holds classes.mu.
func (s *Server) makeClassLocked(name string) error {
	c := &s.classes
	if name == "." || c.known[name] != nil {
		return nil
	}
	if err := s.makeClassLocked(path.Dir(name)); err != nil {
		return err
	}
	limits := cgroup.Limits{CPUShares: leastShares}
	if name == allPods {
		limits = s.cfg.PodLimits
	}
	group, err := s.cfg.Cgroups.New(name, limits)
	if err != nil {
		return err
	}
	if c.known == nil {
		c.known = map[string]*class{}
	}
	c.known[name] = &class{group: group, shares: map[string]int64{}}
	return nil
}

// weighLocked gives a class as many shares as its pods have together: so a Burstable pod that asked for half a CPU gets as much of a
// busy machine as a Guaranteed one. BestEffort has the least, however many are in it.
func (c *classes) weighLocked(name, pod string, shares int64) error {
	k := c.known[name]
	if k == nil || name == allPods {
		return nil
	}
	if shares > 0 {
		k.shares[pod] = shares
	} else {
		delete(k.shares, pod)
	}
	sum := int64(leastShares)
	for _, n := range k.shares {
		if n > leastShares {
			sum += n
		}
	}
	if err := k.group.Set(cgroup.Limits{CPUShares: sum}); err != nil {
		return fmt.Errorf("weigh cgroup %s: %w", name, err)
	}
	return nil
}

// releasePod removes the pod's group; twice is fine.
func (s *Server) releasePod(p *pod) error {
	if p.group == nil {
		return nil
	}
	s.classes.mu.Lock()
	defer s.classes.mu.Unlock()
	return errors.Join(p.group.Remove(), s.classes.weighLocked(path.Dir(p.groupName), p.id, 0))
}

// UpdatePodSandboxResources implements RuntimeService: other limits for a pod whose containers get others.
func (s *Server) UpdatePodSandboxResources(_ context.Context, req *runtimeapi.UpdatePodSandboxResourcesRequest) (*runtimeapi.UpdatePodSandboxResourcesResponse, error) {
	p, err := s.pod(req.GetPodSandboxId())
	if err != nil {
		return nil, err
	}
	leave, err := s.enter(p)
	if err != nil {
		return nil, err
	}
	defer leave()
	if p.group == nil {
		return &runtimeapi.UpdatePodSandboxResourcesResponse{}, nil
	}
	limits := limitsOf(req.GetResources())
	s.classes.mu.Lock()
	defer s.classes.mu.Unlock()
	err = errors.Join(p.group.Set(limits), s.classes.weighLocked(path.Dir(p.groupName), p.id, limits.CPUShares))
	if err != nil {
		return nil, fmt.Errorf("update limits of sandbox %s: %w", p.id, err)
	}
	return &runtimeapi.UpdatePodSandboxResourcesResponse{}, nil
}
