package cri

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/capability"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/container"
)

// secure takes away what the container shall not do: capabilities, system calls, the kernel's files.
func secure(spec *specs.Spec, sc *runtimeapi.LinuxContainerSecurityContext) error {
	known, err := knownCapabilities()
	if err != nil {
		return err
	}
	if sc.GetPrivileged() {
		grant(spec, known)
		return addHostDevices(spec)
	}
	caps, err := capabilitiesOf(sc.GetCapabilities(), known)
	if err != nil {
		return err
	}
	grant(spec, caps)
	spec.Linux.MaskedPaths, spec.Linux.ReadonlyPaths = container.DefaultMaskedPaths(), container.DefaultReadonlyPaths()
	if sc.MaskedPaths != nil {
		spec.Linux.MaskedPaths = sc.GetMaskedPaths()
	}
	if sc.ReadonlyPaths != nil {
		spec.Linux.ReadonlyPaths = sc.GetReadonlyPaths()
	}
	spec.Linux.Seccomp, err = seccompOf(sc.GetSeccomp())
	return err
}

// grant gives the capabilities to the process and to nothing it cannot become: none are ambient or inheritable, so a
// program that runs as another user has none (capabilities(7)).
func grant(spec *specs.Spec, caps []string) {
	spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}
}

// seccompOf chooses the filter of system calls.
func seccompOf(profile *runtimeapi.SecurityProfile) (*specs.LinuxSeccomp, error) {
	switch {
	case profile == nil:
		// Kubernetes: without seccompDefault a pod that says nothing is unconfined; here it gets the runtime's profile.
		return container.DefaultSeccomp(), nil
	case profile.GetProfileType() == runtimeapi.SecurityProfile_Unconfined:
		return nil, nil //nolint:nilnil // no filter is an answer
	case profile.GetProfileType() == runtimeapi.SecurityProfile_RuntimeDefault:
		return container.DefaultSeccomp(), nil
	default:
		return readSeccomp(profile.GetLocalhostRef())
	}
}

// readSeccomp reads a profile of the node's own: linux.seccomp of the OCI runtime specification, as JSON.
func readSeccomp(path string) (*specs.LinuxSeccomp, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot load seccomp profile %q: %w", path, err)
	}
	var profile specs.LinuxSeccomp
	if err := json.Unmarshal(content, &profile); err != nil {
		return nil, fmt.Errorf("decoding seccomp profile failed %q: %w", path, err)
	}
	return &profile, nil
}

// knownCapabilities are the kernel's, by name: CAP_CHOWN and so on.
func knownCapabilities() ([]string, error) {
	list, err := capability.ListSupported()
	if err != nil {
		return nil, fmt.Errorf("list the kernel's capabilities: %w", err)
	}
	names := make([]string, 0, len(list))
	for _, c := range list {
		names = append(names, "CAP_"+strings.ToUpper(c.String()))
	}
	return names, nil
}

// capabilitiesOf is the default set, changed as the pod says: ALL first, then single ones.
func capabilitiesOf(change *runtimeapi.Capability, known []string) ([]string, error) {
	caps := container.DefaultCapabilities()
	add, err := capabilityNames(change.GetAddCapabilities(), known)
	if err != nil {
		return nil, err
	}
	drop, err := capabilityNames(change.GetDropCapabilities(), known)
	if err != nil {
		return nil, err
	}
	if slices.Contains(add, allCapabilities) {
		caps = slices.Clone(known)
	}
	if slices.Contains(drop, allCapabilities) {
		caps = nil
	}
	for _, name := range add {
		if name != allCapabilities && !slices.Contains(caps, name) {
			caps = append(caps, name)
		}
	}
	return slices.DeleteFunc(caps, func(name string) bool { return slices.Contains(drop, name) }), nil
}

const allCapabilities = "ALL"

// capabilityNames gives names their full form; the kubelet writes them with or without CAP_.
func capabilityNames(names, known []string) ([]string, error) {
	var full []string
	for _, name := range names {
		upper := strings.ToUpper(name)
		if upper == allCapabilities {
			full = append(full, allCapabilities)
			continue
		}
		if !strings.HasPrefix(upper, "CAP_") {
			upper = "CAP_" + upper
		}
		if !slices.Contains(known, upper) {
			return nil, fmt.Errorf("unknown capability %q", name)
		}
		full = append(full, upper)
	}
	return full, nil
}

// addDevices adds the node's devices that the pod asks for.
func addDevices(spec *specs.Spec, devices []*runtimeapi.Device) error {
	for _, d := range devices {
		dev, err := deviceOf(d.GetHostPath(), d.GetContainerPath())
		if err != nil {
			return err
		}
		spec.Linux.Devices = append(spec.Linux.Devices, dev)
	}
	return nil
}

func deviceOf(hostPath, containerPath string) (specs.LinuxDevice, error) {
	var st unix.Stat_t
	if err := unix.Stat(hostPath, &st); err != nil {
		return specs.LinuxDevice{}, fmt.Errorf("look at device %q: %w", hostPath, err)
	}
	d := specs.LinuxDevice{Path: containerPath, Major: int64(unix.Major(st.Rdev)), Minor: int64(unix.Minor(st.Rdev))}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		d.Type = "c"
	case unix.S_IFBLK:
		d.Type = "b"
	default:
		return specs.LinuxDevice{}, fmt.Errorf("%q is no device", hostPath)
	}
	mode := os.FileMode(st.Mode & 0o777)
	d.FileMode = &mode
	return d, nil
}

// addHostDevices gives a privileged container the node's devices, those directly in /dev.
func addHostDevices(spec *specs.Spec) error {
	entries, err := os.ReadDir("/dev")
	if err != nil {
		return fmt.Errorf("list devices: %w", err)
	}
	for _, e := range entries {
		if e.Type()&os.ModeDevice == 0 || e.Name() == "console" || e.Name() == "ptmx" {
			continue
		}
		p := filepath.Join("/dev", e.Name())
		dev, err := deviceOf(p, p)
		if errors.Is(err, os.ErrNotExist) { // gone since
			continue
		}
		if err != nil {
			return err
		}
		spec.Linux.Devices = append(spec.Linux.Devices, dev)
	}
	return nil
}
