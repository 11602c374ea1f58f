package cri

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/network"
)

// RunPodSandbox implements RuntimeService.
func (s *Server) RunPodSandbox(ctx context.Context, req *runtimeapi.RunPodSandboxRequest) (*runtimeapi.RunPodSandboxResponse, error) {
	config := req.GetConfig()
	if config.GetMetadata().GetName() == "" {
		return nil, status.Error(codes.InvalidArgument, "sandbox config has no metadata.name")
	}
	if req.GetRuntimeHandler() != "" {
		return nil, status.Errorf(codes.NotFound, "no runtime for %q is configured", req.GetRuntimeHandler())
	}
	namespaces := config.GetLinux().GetSecurityContext().GetNamespaceOptions()
	if namespaces.GetUsernsOptions().GetMode() == runtimeapi.NamespaceMode_POD && namespaces.GetUsernsOptions() != nil {
		return nil, status.Error(codes.InvalidArgument, "hostUsers: false is not available: all containers of a lab share its user namespace")
	}
	p := &pod{
		id: newID(), name: podName(config.GetMetadata()), config: config, created: time.Now(), ready: true,
		hostNetwork: namespaces.GetNetwork() == runtimeapi.NamespaceMode_NODE,
	}
	p.dir = filepath.Join(s.podsDir(), p.id)
	if err := s.reserve(p.name, p.id); err != nil {
		return nil, err
	}
	if err := s.build(ctx, p); err != nil {
		s.release(p.name)
		return nil, fmt.Errorf("run sandbox of pod %s: %w", config.GetMetadata().GetName(), err)
	}
	s.mu.Lock()
	s.pods[p.id] = p
	s.mu.Unlock()
	s.observeSandbox(p)
	s.tell(p, p.id, runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT)
	s.tell(p, p.id, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT)
	return &runtimeapi.RunPodSandboxResponse{PodSandboxId: p.id}, nil
}

// build makes the sandbox's namespaces, files and network.
func (s *Server) build(ctx context.Context, p *pod) (err error) {
	var back undo
	defer func() { err = back.after(err) }()
	if err := os.MkdirAll(filepath.Join(p.dir, "shm"), 0o700); err != nil {
		return err
	}
	back.add(func() error { return os.RemoveAll(p.dir) })
	if err := p.writeFiles(s.hostnameOf(p)); err != nil {
		return err
	}
	if err := unix.Mount("shm", filepath.Join(p.dir, "shm"), "tmpfs", unix.MS_NOEXEC|unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=65536k"); err != nil {
		return fmt.Errorf("mount /dev/shm of the pod: %w", err)
	}
	back.add(func() error { return unmountBelow(p.dir) })
	// Made also for pods on the node's own network: the ipc namespace is needed, and one call makes all.
	if err := network.NewNamespaces(p.dir, s.hostnameOf(p)); err != nil {
		return err
	}
	back.add(func() error { return network.RemoveNamespaces(p.dir) })
	if !p.hostNetwork {
		if err := s.connect(p); err != nil {
			return err
		}
		back.add(func() error { s.pool.Release(p.address); return nil })
		p.ports = hostPorts(p)
		if err := s.ports.Open(p.ports, p.cable()); err != nil {
			return err
		}
		back.add(func() error { return s.ports.Close(p.ports) })
	}
	if err := p.setSysctls(); err != nil {
		return err
	}
	if err := s.rememberPod(p); err != nil {
		return err
	}
	back.add(func() error { return s.forgetPod(p) })
	if err := s.limitPod(p); err != nil {
		return err
	}
	back.add(func() error { return s.releasePod(p) })
	if sharesPIDs(p.config) {
		return s.holdPIDs(ctx, p)
	}
	return nil
}

// connect gives the pod an address and its cable.
func (s *Server) connect(p *pod) error {
	address, err := s.pool.Allocate()
	if err != nil {
		return err
	}
	err = network.AttachPod(network.Pod{
		Netns: p.netns(), HostInterface: p.cable(), Address: address, NodeAddress: s.cfg.NodeIP, MTU: s.cfg.PodMTU,
	})
	if err != nil {
		s.pool.Release(address)
		return err
	}
	p.address = address
	return nil
}

// hostPorts are the ports of the node that the pod asks for. Ports without one are only a note to people.
func hostPorts(p *pod) []network.HostPort {
	numbers := map[runtimeapi.Protocol]byte{
		runtimeapi.Protocol_TCP: unix.IPPROTO_TCP, runtimeapi.Protocol_UDP: unix.IPPROTO_UDP, runtimeapi.Protocol_SCTP: unix.IPPROTO_SCTP,
	}
	var ports []network.HostPort
	for _, m := range p.config.GetPortMappings() {
		if m.GetHostPort() == 0 {
			continue
		}
		address, _ := netip.ParseAddr(m.GetHostIp()) // none, or one that is none: all of the node's
		ports = append(ports, network.HostPort{
			Protocol: numbers[m.GetProtocol()], Address: address, Port: uint16(m.GetHostPort()),
			Pod: netip.AddrPortFrom(p.address, uint16(m.GetContainerPort())),
		})
	}
	return ports
}

// cable is the name of the node's end of the pod's link, as long as the kernel allows: 15 bytes.
func (p *pod) cable() string { return "veth" + p.id[:11] }

func (p *pod) netns() string { return filepath.Join(p.dir, "net") }

// hostnameOf is the pod's host name: the node's on the node's own network, or when the pod has none.
func (s *Server) hostnameOf(p *pod) string {
	if name := p.config.GetHostname(); name != "" && !p.hostNetwork {
		return name
	}
	return s.cfg.NodeName
}

func sharesPIDs(config *runtimeapi.PodSandboxConfig) bool {
	options := config.GetLinux().GetSecurityContext().GetNamespaceOptions()
	return options != nil && options.GetPid() == runtimeapi.NamespaceMode_POD
}

// StopPodSandbox implements RuntimeService: it kills what still runs and gives the network back. Stopping twice, or what
// is gone, is fine.
func (s *Server) StopPodSandbox(ctx context.Context, req *runtimeapi.StopPodSandboxRequest) (*runtimeapi.StopPodSandboxResponse, error) {
	p, err := s.pod(req.GetPodSandboxId())
	if isNotFound(err) {
		return &runtimeapi.StopPodSandboxResponse{}, nil
	}
	if err == nil {
		err = s.stopPod(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("stop sandbox %s: %w", req.GetPodSandboxId(), err)
	}
	return &runtimeapi.StopPodSandboxResponse{}, nil
}

// stopPod ends the sandbox. What fails is tried again by the next call.
func (s *Server) stopPod(ctx context.Context, p *pod) error {
	s.mu.Lock()
	p.ready = false
	s.mu.Unlock()
	p.life.Lock() // whoever came in before is waited for, and seen below
	defer p.life.Unlock()
	for _, c := range s.containersOf(p) {
		if err := s.stop(ctx, c, 0); err != nil {
			return err
		}
	}
	if p.down {
		return nil
	}
	if err := s.disconnect(ctx, p); err != nil {
		return err
	}
	p.down = true
	s.observe(p, Step{Action: "StopPodSandbox", After: "stopped", Details: map[string]string{"sandbox": p.id}})
	s.tell(p, p.id, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
	return nil
}

// disconnect drops the last references of the namespaces; the kernel then takes the links away.
func (s *Server) disconnect(ctx context.Context, p *pod) error {
	errs := []error{releasePIDs(ctx, p), s.ports.Close(p.ports), network.RemoveNamespaces(p.dir), unmountBelow(p.dir)}
	if p.address.IsValid() {
		s.pool.Release(p.address)
	}
	for _, c := range s.containersOf(p) {
		errs = append(errs, c.releaseGroup()) // of those that never started
	}
	errs = append(errs, s.releasePod(p))
	return errors.Join(errs...)
}

// RemovePodSandbox implements RuntimeService: it stops the sandbox, removes its containers and forgets it.
func (s *Server) RemovePodSandbox(ctx context.Context, req *runtimeapi.RemovePodSandboxRequest) (*runtimeapi.RemovePodSandboxResponse, error) {
	p, err := s.pod(req.GetPodSandboxId())
	if isNotFound(err) {
		return &runtimeapi.RemovePodSandboxResponse{}, nil
	}
	if err == nil {
		err = s.removePod(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("remove sandbox %s: %w", req.GetPodSandboxId(), err)
	}
	return &runtimeapi.RemovePodSandboxResponse{}, nil
}

func (s *Server) removePod(ctx context.Context, p *pod) error {
	if err := s.stopPod(ctx, p); err != nil {
		return err
	}
	for _, c := range s.containersOf(p) {
		if err := s.remove(ctx, c); err != nil {
			return err
		}
	}
	if !p.past {
		if err := os.RemoveAll(p.dir); err != nil {
			return err
		}
	}
	if err := s.forgetPod(p); err != nil {
		return err
	}
	s.mu.Lock()
	_, ours := s.pods[p.id]
	delete(s.pods, p.id)
	s.mu.Unlock()
	if ours {
		s.release(p.name)
		s.tell(p, p.id, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	}
	return nil
}

// writeFiles writes /etc/hostname, /etc/hosts and /etc/resolv.conf of the pod, for containers that do not bring their own.
func (p *pod) writeFiles(hostname string) error {
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the node's hosts: %w", err)
	}
	resolv, err := p.resolvConf()
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"hostname": hostname + "\n", "hosts": string(hosts), "resolv.conf": resolv} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// resolvConf is made from the pod's DNS config, or is the node's own when there is none.
func (p *pod) resolvConf() (string, error) {
	dns := p.config.GetDnsConfig()
	if dns == nil {
		data, err := os.ReadFile("/etc/resolv.conf")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("read the node's resolv.conf: %w", err)
		}
		return string(data), nil
	}
	var b strings.Builder
	if len(dns.GetSearches()) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(dns.GetSearches(), " "))
	}
	for _, server := range dns.GetServers() {
		fmt.Fprintf(&b, "nameserver %s\n", server)
	}
	if len(dns.GetOptions()) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(dns.GetOptions(), " "))
	}
	return b.String(), nil
}
