package cri

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/container"
)

// mounts lists the container's mounts in the order in which they are made: the kernel's file systems, then the pod's, outer
// before inner. The second result is how mounts travel between the container and the node ("" for not at all).
func (c *ctr) mounts() ([]specs.Mount, string, error) {
	wanted := slices.Clone(c.config.GetMounts())
	for _, m := range c.pod.commonMounts(c.config) {
		if !slices.ContainsFunc(wanted, func(w *runtimeapi.Mount) bool { return path.Clean(w.GetContainerPath()) == m.GetContainerPath() }) {
			wanted = append(wanted, m)
		}
	}
	slices.SortStableFunc(wanted, func(a, b *runtimeapi.Mount) int { return depth(a.GetContainerPath()) - depth(b.GetContainerPath()) })
	list := slices.DeleteFunc(container.DefaultMounts(), func(m specs.Mount) bool { return covered(m.Destination, wanted) })
	if c.config.GetLinux().GetSecurityContext().GetPrivileged() {
		writable(list)
	}
	propagation, images := "", map[*runtimeapi.Mount]imageVolume{}
	for _, v := range c.imageVolumes() {
		images[v.Mount] = v
	}
	for _, m := range wanted {
		bind := bindOf
		if v, ok := images[m]; ok {
			bind = func(*runtimeapi.Mount) (specs.Mount, error) { return v.bind() }
		}
		mount, err := bind(m)
		if err != nil {
			return nil, "", err
		}
		list = append(list, mount)
		switch m.GetPropagation() {
		case runtimeapi.MountPropagation_PROPAGATION_BIDIRECTIONAL:
			propagation = "rshared"
		case runtimeapi.MountPropagation_PROPAGATION_HOST_TO_CONTAINER:
			if propagation == "" {
				propagation = "rslave"
			}
		}
	}
	return list, propagation, nil
}

func depth(p string) int { return strings.Count(path.Clean(p), "/") }

// covered tells whether the pod mounts something at a default mount's place, or over all of /dev.
func covered(destination string, wanted []*runtimeapi.Mount) bool {
	return slices.ContainsFunc(wanted, func(m *runtimeapi.Mount) bool {
		p := path.Clean(m.GetContainerPath())
		return p == destination || p == "/dev" && strings.HasPrefix(destination, "/dev/")
	})
}

// commonMounts are the files of the pod that each container sees, and its shared memory.
func (p *pod) commonMounts(config *runtimeapi.ContainerConfig) []*runtimeapi.Mount {
	readonly := config.GetLinux().GetSecurityContext().GetReadonlyRootfs()
	var list []*runtimeapi.Mount
	for _, name := range []string{"hostname", "hosts", "resolv.conf"} {
		list = append(list, &runtimeapi.Mount{ContainerPath: "/etc/" + name, HostPath: filepath.Join(p.dir, name), Readonly: readonly})
	}
	shm := filepath.Join(p.dir, "shm")
	if p.config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetIpc() == runtimeapi.NamespaceMode_NODE {
		shm = "/dev/shm"
	}
	return append(list, &runtimeapi.Mount{ContainerPath: "/dev/shm", HostPath: shm})
}

// bindOf is a mount of a folder or file of the node. A path that does not exist becomes a folder, as with containerd.
func bindOf(m *runtimeapi.Mount) (specs.Mount, error) {
	if _, err := os.Stat(m.GetHostPath()); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(m.GetHostPath(), 0o755); err != nil {
			return specs.Mount{}, fmt.Errorf("make mount source: %w", err)
		}
	}
	source, err := filepath.EvalSymlinks(m.GetHostPath())
	if err != nil {
		return specs.Mount{}, fmt.Errorf("find mount source %q: %w", m.GetHostPath(), err)
	}
	mode, err := accessOf(m)
	if err != nil {
		return specs.Mount{}, err
	}
	options := append([]string{"rbind", propagations[m.GetPropagation()], mode}, m.GetMountOptions()...)
	return specs.Mount{Destination: m.GetContainerPath(), Type: "bind", Source: source, Options: options}, nil
}

var propagations = map[runtimeapi.MountPropagation]string{
	runtimeapi.MountPropagation_PROPAGATION_PRIVATE:           "rprivate",
	runtimeapi.MountPropagation_PROPAGATION_HOST_TO_CONTAINER: "rslave",
	runtimeapi.MountPropagation_PROPAGATION_BIDIRECTIONAL:     "rshared",
}

func accessOf(m *runtimeapi.Mount) (string, error) {
	switch {
	case m.GetRecursiveReadOnly():
		return "", fmt.Errorf("mount %q: recursive read-only mounts are not available", m.GetContainerPath())
	case m.GetReadonly():
		return "ro", nil
	default:
		return "rw", nil
	}
}

// writable lets a privileged container write to the kernel's file systems.
func writable(mounts []specs.Mount) {
	for i, m := range mounts {
		if m.Type == "sysfs" || m.Type == "cgroup" {
			mounts[i].Options = slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return o == "ro" })
		}
	}
}
