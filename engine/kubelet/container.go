package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// containerConfig is the CRI description of one container. Errors become CreateContainerConfigError.
func (w *worker) containerConfig(ctx context.Context, r startRequest, imageRef string, restarts int) (*runtimeapi.ContainerConfig, error) {
	env, err := w.environment(ctx, r)
	if err != nil {
		return nil, err
	}
	mounts, err := w.mounts.forContainer(r, env)
	if err != nil {
		return nil, err
	}
	if err := w.verifyNonRoot(ctx, r); err != nil {
		return nil, err
	}
	security := containerSecurity(r.pod, r.container)
	if r.target != "" {
		target := r.view.activeContainer(r.target)
		if target == nil {
			return nil, fmt.Errorf("unable to find target container %v", r.target)
		}
		security.NamespaceOptions.Pid, security.NamespaceOptions.TargetId = runtimeapi.NamespaceMode_TARGET, target.id
	}
	logDir := filepath.Join(w.k.podLogDir(r.pod), r.container.Name)
	if err := os.MkdirAll(logDir, 0o755); err != nil {
		return nil, fmt.Errorf("create container log directory for container %s failed: %w", r.container.Name, err)
	}
	lookup := func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	config := &runtimeapi.ContainerConfig{
		Metadata:    &runtimeapi.ContainerMetadata{Name: r.container.Name, Attempt: uint32(restarts)},
		Image:       &runtimeapi.ImageSpec{Image: imageRef, UserSpecifiedImage: r.container.Image},
		Command:     expandAll(r.container.Command, lookup),
		Args:        expandAll(r.container.Args, lookup),
		WorkingDir:  r.container.WorkingDir,
		Labels:      containerLabels(r.pod, r.container),
		Annotations: containerAnnotations(r.pod, r.container, restarts),
		Mounts:      mounts,
		LogPath:     filepath.Join(r.container.Name, strconv.Itoa(restarts)+".log"),
		Stdin:       r.container.Stdin, StdinOnce: r.container.StdinOnce, Tty: r.container.TTY,
		Linux: &runtimeapi.LinuxContainerConfig{
			Resources: linuxResources(r.pod, r.container), SecurityContext: security,
		},
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: name, Value: []byte(env[name])})
	}
	if l := r.container.Lifecycle; l != nil && l.StopSignal != nil {
		config.StopSignal = runtimeapi.Signal(runtimeapi.Signal_value[string(*l.StopSignal)])
	}
	return config, nil
}

func containerLabels(pod *corev1.Pod, c *corev1.Container) map[string]string {
	labels := podLabels(pod)
	labels[labelContainerName] = c.Name
	return labels
}

// containerAnnotations are what a later kubelet needs to know about the container without its pod.
func containerAnnotations(pod *corev1.Pod, c *corev1.Container, restarts int) map[string]string {
	annotations := map[string]string{
		annotationHash:                     hashContainer(c),
		annotationRestartCount:             strconv.Itoa(restarts),
		annotationTerminationMessagePath:   c.TerminationMessagePath,
		annotationTerminationMessagePolicy: string(c.TerminationMessagePolicy),
	}
	if grace := pod.Spec.TerminationGracePeriodSeconds; grace != nil {
		annotations[annotationGracePeriod] = strconv.FormatInt(*grace, 10)
	}
	if len(c.Ports) > 0 {
		if raw, err := json.Marshal(c.Ports); err == nil {
			annotations["io.kubernetes.container.ports"] = string(raw)
		}
	}
	return annotations
}

// The kernel's scale of CPU weight in cgroup v1, on which CRI is based: 1024 shares are one core.
const (
	sharesPerCore = 1024
	minShares     = 2
	quotaPeriod   = 100_000 // microseconds
	minQuota      = 1_000
)

func linuxResources(pod *corev1.Pod, c *corev1.Container) *runtimeapi.LinuxContainerResources {
	resources := &runtimeapi.LinuxContainerResources{OomScoreAdj: oomScore(pod, c)}
	limits := effectiveLimits(pod, c)
	request, found := c.Resources.Requests[corev1.ResourceCPU]
	if !found {
		request = *limits.Cpu()
	}
	resources.CpuShares = max(request.MilliValue()*sharesPerCore/1000, minShares)
	if milli := limits.Cpu().MilliValue(); milli > 0 {
		resources.CpuPeriod = quotaPeriod
		resources.CpuQuota = max(milli*quotaPeriod/1000, minQuota)
	}
	resources.MemoryLimitInBytes = limits.Memory().Value()
	return resources
}

// effectiveLimits are the container's limits, and the pod's where it has none (KEP-2837).
func effectiveLimits(pod *corev1.Pod, c *corev1.Container) corev1.ResourceList {
	limits := c.Resources.Limits.DeepCopy()
	if pod.Spec.Resources == nil {
		return limits
	}
	for name, quantity := range pod.Spec.Resources.Limits {
		if _, found := limits[name]; !found {
			if limits == nil {
				limits = corev1.ResourceList{}
			}
			limits[name] = quantity
		}
	}
	return limits
}

// oomScore is upstream's oom_score_adj: Guaranteed pods die last, BestEffort first, Burstable by how little they asked for.
func oomScore(pod *corev1.Pod, c *corev1.Container) int64 {
	switch pod.Status.QOSClass {
	case corev1.PodQOSGuaranteed:
		return -997
	case corev1.PodQOSBestEffort:
		return 1000
	}
	total := memoryTotal()
	if total == 0 {
		return 999
	}
	return min(max(1000-1000*c.Resources.Requests.Memory().Value()/total, 3), 999)
}

// containerSecurity merges the pod's security context under the container's.
func containerSecurity(pod *corev1.Pod, c *corev1.Container) *runtimeapi.LinuxContainerSecurityContext {
	out := &runtimeapi.LinuxContainerSecurityContext{
		Privileged: isPrivileged(c), NamespaceOptions: podNamespaces(pod),
		MaskedPaths: defaultMaskedPaths, ReadonlyPaths: defaultReadonlyPaths,
		Seccomp: &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Unconfined},
	}
	podContext := pod.Spec.SecurityContext
	if podContext == nil {
		podContext = &corev1.PodSecurityContext{}
	}
	sc := c.SecurityContext
	if sc == nil {
		sc = &corev1.SecurityContext{}
	}
	out.RunAsUser = int64Value(firstSet(sc.RunAsUser, podContext.RunAsUser))
	out.RunAsGroup = int64Value(firstSet(sc.RunAsGroup, podContext.RunAsGroup))
	out.SupplementalGroups = supplementalGroups(podContext)
	out.Seccomp = seccompProfile(firstSet(sc.SeccompProfile, podContext.SeccompProfile), out.Seccomp)
	out.NoNewPrivs = sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation
	out.ReadonlyRootfs = sc.ReadOnlyRootFilesystem != nil && *sc.ReadOnlyRootFilesystem
	out.Capabilities = capabilities(sc.Capabilities)
	if sc.ProcMount != nil && *sc.ProcMount == corev1.UnmaskedProcMount || out.Privileged {
		out.MaskedPaths, out.ReadonlyPaths = nil, nil
	}
	return out
}

func firstSet[T any](values ...*T) *T {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// seccompProfile translates a profile; without one a container is unconfined.
//
// Kubernetes: the same, unless the kubelet runs with seccompDefault.
func seccompProfile(profile *corev1.SeccompProfile, otherwise *runtimeapi.SecurityProfile) *runtimeapi.SecurityProfile {
	switch {
	case profile == nil:
		return otherwise
	case profile.Type == corev1.SeccompProfileTypeRuntimeDefault:
		return &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault}
	case profile.Type == corev1.SeccompProfileTypeLocalhost && profile.LocalhostProfile != nil:
		return &runtimeapi.SecurityProfile{
			ProfileType:  runtimeapi.SecurityProfile_Localhost,
			LocalhostRef: filepath.Join(DefaultRootDir, "seccomp", *profile.LocalhostProfile),
		}
	}
	return otherwise
}

func capabilities(c *corev1.Capabilities) *runtimeapi.Capability {
	if c == nil {
		return nil
	}
	out := &runtimeapi.Capability{}
	for _, name := range c.Add {
		out.AddCapabilities = append(out.AddCapabilities, string(name))
	}
	for _, name := range c.Drop {
		out.DropCapabilities = append(out.DropCapabilities, string(name))
	}
	return out
}

// What of /proc and /sys a container must not see, and must not write (the OCI runtimes' usual lists).
var (
	defaultMaskedPaths = []string{
		"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
	}
	defaultReadonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// verifyNonRoot refuses a container that must not run as root but would.
func (w *worker) verifyNonRoot(ctx context.Context, r startRequest) error {
	sc, podContext := r.container.SecurityContext, r.pod.Spec.SecurityContext
	var must *bool
	var user *int64
	if podContext != nil {
		must, user = podContext.RunAsNonRoot, podContext.RunAsUser
	}
	if sc != nil {
		must, user = firstSet(sc.RunAsNonRoot, must), firstSet(sc.RunAsUser, user)
	}
	if must == nil || !*must {
		return nil
	}
	subject := fmt.Sprintf("(pod: %q, container: %s)", podText(r.pod), r.container.Name)
	if user != nil {
		if *user == 0 {
			return fmt.Errorf("container's runAsUser breaks non-root policy %s", subject)
		}
		return nil
	}
	answer, err := w.k.cfg.Images.ImageStatus(ctx, &runtimeapi.ImageStatusRequest{Image: &runtimeapi.ImageSpec{Image: withDefaultTag(r.container.Image)}})
	if err != nil {
		return fmt.Errorf("read the user of image %s: %w", r.container.Image, err)
	}
	image := answer.GetImage()
	switch {
	case image.GetUid() != nil && image.Uid.Value == 0, image.GetUid() == nil && image.GetUsername() == "":
		return fmt.Errorf("container has runAsNonRoot and image will run as root %s", subject)
	case image.GetUid() == nil:
		return fmt.Errorf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root %s", image.Username, subject)
	}
	return nil
}

// terminationFile makes the file that the container may leave its last words in. Its name is new for each container, as the
// file of the last one is still to be read.
func terminationFile(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("make the directory of termination messages: %w", err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%08x", rand.Uint32()))
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		return "", fmt.Errorf("make the termination message file: %w", err)
	}
	return path, os.Chmod(path, 0o666) // whatever the umask says: the container's user must be able to write it
}
