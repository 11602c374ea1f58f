package cri

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/container"
	"drydock/sandbox/network"
)

// pod is the record of one sandbox.
type pod struct {
	// set once in RunPodSandbox
	id          string
	name        string // as reserved
	config      *runtimeapi.PodSandboxConfig
	dir         string
	created     time.Time
	address     netip.Addr         // invalid on the node's own network
	group       cgroup.Group       // of all its containers; nil without limits, and when the pod names none
	groupName   string             // where group lies, as in kubepods/burstable/pod…
	ports       []network.HostPort // ports of the node that lead to the pod
	hostNetwork bool
	holder      *container.Container // keeps a shared pid namespace; nil without one
	past        bool                 // of an earlier server: nothing of it exists any more but its record

	// life is held shared while a container is made or started, and alone while the sandbox stops: nothing can begin in a
	// sandbox that ends.
	life sync.RWMutex

	down bool // guarded by life: namespaces and address are given back

	ready bool // guarded by Server.mu
}

// newID makes the name of a sandbox or container: 256 random bits in hex, as every runtime does.
func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return hex.EncodeToString(b[:])
}

// reserve keeps two records from having one name: the kubelet counts attempts, so the same name twice is a mistake.
func (s *Server) reserve(name, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if holder, taken := s.names[name]; taken {
		return status.Errorf(codes.AlreadyExists, "name %q is reserved for %q", name, holder)
	}
	s.names[name] = id
	return nil
}

func (s *Server) release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
}

// enter lets a container begin in the sandbox, unless that is over; leave must follow.
func (s *Server) enter(p *pod) (leave func(), err error) {
	p.life.RLock()
	if s.podState(p) != runtimeapi.PodSandboxState_SANDBOX_READY {
		p.life.RUnlock()
		return nil, status.Errorf(codes.FailedPrecondition, "sandbox %s is not running", p.id)
	}
	return p.life.RUnlock, nil
}

func podName(m *runtimeapi.PodSandboxMetadata) string {
	return strings.Join([]string{m.GetName(), m.GetNamespace(), m.GetUid(), strconv.Itoa(int(m.GetAttempt()))}, "_")
}

func containerName(m *runtimeapi.ContainerMetadata, p *pod) string {
	pm := p.config.GetMetadata()
	return strings.Join([]string{m.GetName(), pm.GetName(), pm.GetNamespace(), pm.GetUid(), strconv.Itoa(int(m.GetAttempt()))}, "_")
}

// find looks a record up by its id or the unique start of one.
func find[T any](records map[string]T, id, kind string) (T, error) {
	var zero T
	if r, ok := records[id]; ok {
		return r, nil
	}
	var found []T
	for full, r := range records {
		if id != "" && strings.HasPrefix(full, id) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return zero, status.Errorf(codes.NotFound, "%s %q not found", kind, id)
	default:
		return zero, status.Errorf(codes.InvalidArgument, "%q is the start of %d ids: give more digits", id, len(found))
	}
}

func (s *Server) pod(id string) (*pod, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return find(s.pods, id, "sandbox")
}

func (s *Server) container(id string) (*ctr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return find(s.containers, id, "container")
}

func (s *Server) listPods() []*pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.pods), func(a, b *pod) int { return b.created.Compare(a.created) })
}

func (s *Server) listContainers() []*ctr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.containers), func(a, b *ctr) int { return b.created.Compare(a.created) })
}

func (s *Server) containersOf(p *pod) []*ctr {
	return slices.DeleteFunc(s.listContainers(), func(c *ctr) bool { return c.pod != p })
}

// LabelOutside marks what was run without Kubernetes. Lists leave it out unless they ask for the label: containerd keeps
// the kubelet's containers in a namespace of their own, k8s.io, for the same reason. A kubelet would remove them as orphans.
const LabelOutside = "drydock.dev/outside-kubernetes"

// carries reports whether labels satisfy a selector.
func carries(labels, selector map[string]string) bool {
	if _, asked := selector[LabelOutside]; !asked && labels[LabelOutside] != "" {
		return false
	}
	for k, v := range selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// isNotFound tells an unknown id from other errors: removing what is gone is no error in this interface.
func isNotFound(err error) bool { return status.Code(err) == codes.NotFound }
