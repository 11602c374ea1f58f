package cri

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/container"
)

// holdPIDs starts the process that keeps a shared pid namespace (shareProcessNamespace). The other namespaces live on by
// a bind mount; a pid namespace cannot: when its first process dies the kernel kills the rest and lets nobody in any more
// (pid_namespaces(7)). The holder's root has nothing but the program itself.
func (s *Server) holdPIDs(ctx context.Context, p *pod) error {
	root := filepath.Join(p.dir, "holder")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	spec := &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: root, Readonly: true},
		Process: &specs.Process{
			Args: append([]string{"/pause"}, s.cfg.Pause[1:]...), Cwd: "/", NoNewPrivileges: true,
			Capabilities: &specs.LinuxCapabilities{},
		},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/pause", Type: "bind", Source: s.cfg.Pause[0], Options: []string{"rbind", "ro"}},
		},
		Linux: &specs.Linux{
			Namespaces: append(p.namespaces(), specs.LinuxNamespace{Type: specs.PIDNamespace}),
			Seccomp:    container.DefaultSeccomp(),
		},
	}
	holder, err := s.cfg.Runner.Create(ctx, container.Config{ID: p.id, Spec: spec})
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		return fmt.Errorf("start the holder of the shared pid namespace: %w", err)
	}
	p.holder = holder
	return nil
}

// releasePIDs ends the holder and, with it, everything in the shared pid namespace.
func releasePIDs(ctx context.Context, p *pod) error {
	if p.holder == nil {
		return nil
	}
	if err := p.holder.Kill(); err != nil {
		return err
	}
	if _, err := p.holder.Wait(ctx); err != nil {
		return err
	}
	return p.holder.Delete()
}

// namespaces are those that all containers of the pod join, and a new mount namespace. What is missing is the node's.
func (p *pod) namespaces() []specs.LinuxNamespace {
	list := []specs.LinuxNamespace{{Type: specs.MountNamespace}}
	if p.config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetIpc() != runtimeapi.NamespaceMode_NODE {
		list = append(list, specs.LinuxNamespace{Type: specs.IPCNamespace, Path: filepath.Join(p.dir, "ipc")})
	}
	if !p.hostNetwork {
		list = append(list,
			specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: p.netns()},
			specs.LinuxNamespace{Type: specs.UTSNamespace, Path: filepath.Join(p.dir, "uts")})
	}
	return list
}

// pidNamespace is the container's own, the pod's, the node's or another container's. The second result is false for the
// node's, which is said by leaving it out.
func (s *Server) pidNamespace(p *pod, options *runtimeapi.NamespaceOption) (specs.LinuxNamespace, bool, error) {
	ns := specs.LinuxNamespace{Type: specs.PIDNamespace}
	switch options.GetPid() {
	case runtimeapi.NamespaceMode_NODE:
		return ns, false, nil
	case runtimeapi.NamespaceMode_POD:
		if p.holder != nil {
			ns.Path = pidNamespaceOf(p.holder)
		}
	case runtimeapi.NamespaceMode_TARGET:
		target, err := s.container(options.GetTargetId())
		if err != nil {
			return ns, false, fmt.Errorf("find target container: %w", err)
		}
		process := target.running()
		if process == nil || target.pod != p {
			return ns, false, fmt.Errorf("target container %s does not run in this pod", options.GetTargetId())
		}
		ns.Path = pidNamespaceOf(process)
	}
	return ns, true, nil
}

func pidNamespaceOf(c *container.Container) string {
	return "/proc/" + strconv.Itoa(c.PID()) + "/ns/pid"
}
