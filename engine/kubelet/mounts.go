package kubelet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// A pod's directory under RootDir, laid out as upstream does:
//
//	pods/<uid>/etc-hosts
//	pods/<uid>/containers/<name>/<random>               termination message of one container
//	pods/<uid>/volumes/kubernetes.io~<kind>/<volume>
//	pods/<uid>/volume-subpaths/<volume>/<container>/<n>
func (k *Kubelet) podDir(pod *corev1.Pod) string {
	return filepath.Join(k.cfg.RootDir, "pods", string(pod.UID))
}

func (k *Kubelet) podLogDir(pod *corev1.Pod) string {
	return filepath.Join(k.cfg.LogDir, pod.Namespace+"_"+pod.Name+"_"+string(pod.UID))
}

// removePodDirs deletes all that a pod has left on the node.
func (k *Kubelet) removePodDirs(ctx context.Context, pod *corev1.Pod) error {
	dir := k.podDir(pod)
	if err := errors.Join(k.unmountAll(ctx, dir), os.RemoveAll(k.podLogDir(pod))); err != nil {
		return fmt.Errorf("clean up pod %s: %w", podText(pod), err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove directory of pod %s: %w", podText(pod), err)
	}
	return nil
}

// unmountAll unmounts all volumes of a pod: parts of volumes first, then what drivers have mounted, then the rest. Whoever deletes
// the pod's directory afterwards deletes nobody's data.
func (k *Kubelet) unmountAll(ctx context.Context, podDir string) error {
	if err := unmountBelow(filepath.Join(podDir, "volume-subpaths")); err != nil {
		return err
	}
	if err := k.unmountCSI(ctx, podDir); err != nil {
		return err
	}
	return unmountBelow(podDir)
}

const (
	firstMountRetry = 500 * time.Millisecond
	lastMountRetry  = 2*time.Minute + 2*time.Second
)

// podMounts keeps the volumes of one pod. All methods belong to the pod's worker.
type podMounts struct {
	k       *Kubelet
	dir     string
	paths   map[string]string // volume name to directory or file on the node
	tokens  map[string]token  // service account tokens by volume and path
	checked time.Time         // when all volumes were last brought up to date
	labels  map[string]string // of the pod at that time
	notes   map[string]string // its annotations
	delay   time.Duration
	retryAt time.Time // when to try again what failed
}

func newPodMounts(k *Kubelet, pod *corev1.Pod) *podMounts {
	return &podMounts{k: k, dir: k.podDir(pod), paths: map[string]string{}, tokens: map[string]token{}}
}

// setUp makes every volume, and brings those up to date that mirror API objects. ready says whether containers may start; the
// error is what is new about volumes that cannot be made, all failures joined. A volume that once was made and cannot be brought up
// to date keeps its content.
func (m *podMounts) setUp(ctx context.Context, pod *corev1.Pod) (ready bool, err error) {
	if time.Now().Before(m.retryAt) {
		return false, nil
	}
	if time.Since(m.checked) < resyncPeriod && maps.Equal(m.labels, pod.Labels) && maps.Equal(m.notes, pod.Annotations) {
		return true, nil
	}
	var failures []error
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if claimName(pod, volume) != "" && m.paths[volume.Name] != "" {
			continue // mounted once, and not a copy of anything that changes
		}
		path, err := m.setUpVolume(ctx, pod, volume)
		if err == nil {
			err = giveToGroup(pod, volume, path)
		}
		if err == nil {
			m.paths[volume.Name] = path
		} else if m.paths[volume.Name] == "" {
			var told *mountError
			if !errors.As(err, &told) {
				err = fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", volume.Name, err)
			}
			failures = append(failures, err)
		}
	}
	if len(failures) == 0 {
		m.delay, m.retryAt = 0, time.Time{}
		m.checked, m.labels, m.notes = time.Now(), pod.Labels, pod.Annotations
		return true, nil
	}
	m.delay = min(max(2*m.delay, firstMountRetry), lastMountRetry)
	m.retryAt = time.Now().Add(m.delay)
	return false, errors.Join(failures...)
}

func (m *podMounts) setUpVolume(ctx context.Context, pod *corev1.Pod, v *corev1.Volume) (string, error) {
	place := func(kind string) string { return filepath.Join(m.dir, "volumes", "kubernetes.io~"+kind, v.Name) }
	switch {
	case v.EmptyDir != nil:
		return place("empty-dir"), setUpEmptyDir(place("empty-dir"), v.EmptyDir)
	case v.Image != nil:
		return "", nil // the runtime mounts it
	case v.HostPath != nil:
		return v.HostPath.Path, checkHostPath(v.HostPath)
	case claimName(pod, v) != "":
		return m.setUpClaim(ctx, pod, v)
	case v.ConfigMap != nil, v.Secret != nil, v.DownwardAPI != nil, v.Projected != nil:
		kind := "projected"
		switch {
		case v.ConfigMap != nil:
			kind = "configmap"
		case v.Secret != nil:
			kind = "secret"
		case v.DownwardAPI != nil:
			kind = "downward-api"
		}
		payload, err := m.payload(ctx, pod, v)
		if err != nil {
			return "", err
		}
		return place(kind), writeAtomically(place(kind), payload)
	}
	return "", errors.New("no volume plugin matched: drydock has emptyDir, hostPath, image, configMap, secret, downwardAPI, projected and persistentVolumeClaim volumes")
}

// setUpEmptyDir makes the directory that lives as long as the pod.
//
// sizeLimit is enforced by the kernel for medium Memory, and by eviction for everything else.
func setUpEmptyDir(path string, source *corev1.EmptyDirVolumeSource) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o777); err != nil { // the umask must not keep other users of the pod out
		return err
	}
	if source.Medium == corev1.StorageMediumMemory {
		return mountMemory(path, source.SizeLimit)
	}
	return nil
}

func checkHostPath(source *corev1.HostPathVolumeSource) error {
	kind := corev1.HostPathUnset
	if source.Type != nil {
		kind = *source.Type
	}
	info, err := os.Stat(source.Path)
	switch {
	case kind == corev1.HostPathUnset:
		return nil
	case kind == corev1.HostPathDirectoryOrCreate && errors.Is(err, os.ErrNotExist):
		return os.MkdirAll(source.Path, 0o755)
	case kind == corev1.HostPathFileOrCreate && errors.Is(err, os.ErrNotExist):
		return os.WriteFile(source.Path, nil, 0o644)
	}
	want := map[corev1.HostPathType]struct {
		what string
		is   func(os.FileMode) bool
	}{
		corev1.HostPathDirectoryOrCreate: {"directory", os.FileMode.IsDir},
		corev1.HostPathDirectory:         {"directory", os.FileMode.IsDir},
		corev1.HostPathFileOrCreate:      {"file", os.FileMode.IsRegular},
		corev1.HostPathFile:              {"file", os.FileMode.IsRegular},
		corev1.HostPathSocket:            {"socket file", func(m os.FileMode) bool { return m&os.ModeSocket != 0 }},
		corev1.HostPathCharDev:           {"character device", func(m os.FileMode) bool { return m&os.ModeCharDevice != 0 }},
		corev1.HostPathBlockDev:          {"block device", func(m os.FileMode) bool { return m&os.ModeDevice != 0 && m&os.ModeCharDevice == 0 }},
	}[kind]
	if err != nil || want.is == nil || !want.is(info.Mode()) {
		return fmt.Errorf("hostPath type check failed: %s is not a %s", source.Path, want.what)
	}
	return nil
}

// forContainer lists what is mounted into one container: its volumes, /etc/hosts, its termination message file.
func (m *podMounts) forContainer(r startRequest, env map[string]string) ([]*runtimeapi.Mount, error) {
	var mounts []*runtimeapi.Mount
	hosts := len(r.ips) > 0 || r.pod.Spec.HostNetwork
	for i := range r.container.VolumeMounts {
		mount, err := m.volumeMount(r, i, env)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, mount)
		hosts = hosts && mount.ContainerPath != "/etc/hosts"
	}
	if hosts {
		path, err := m.writeHosts(r.pod, r.ips)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, &runtimeapi.Mount{ContainerPath: "/etc/hosts", HostPath: path})
	}
	if r.container.TerminationMessagePath != "" {
		path, err := terminationFile(filepath.Join(m.dir, "containers", r.container.Name))
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, &runtimeapi.Mount{ContainerPath: r.container.TerminationMessagePath, HostPath: path})
	}
	return mounts, nil
}

func (m *podMounts) volumeMount(r startRequest, i int, env map[string]string) (*runtimeapi.Mount, error) {
	want := &r.container.VolumeMounts[i]
	path, found := m.paths[want.Name]
	if !found {
		return nil, fmt.Errorf("cannot find volume %q to mount into container %q", want.Name, r.container.Name)
	}
	sub := want.SubPath
	if want.SubPathExpr != "" {
		sub = expand(want.SubPathExpr, func(name string) (string, bool) { value, known := env[name]; return value, known })
		if strings.Contains(sub, "$(") {
			return nil, fmt.Errorf("missing value for %q", want.SubPathExpr)
		}
	}
	if image := r.images[want.Name]; image != nil {
		return &runtimeapi.Mount{ContainerPath: absolute(want.MountPath), Image: image, ImageSubPath: sub, Readonly: true}, nil
	}
	if sub != "" {
		var err error
		place := filepath.Join(m.dir, "volume-subpaths", want.Name, r.container.Name, fmt.Sprint(i))
		if path, err = bindSubPath(path, sub, place); err != nil {
			return nil, fmt.Errorf("failed to prepare subPath for volumeMount %q of container %q", want.Name, r.container.Name)
		}
	}
	mount := &runtimeapi.Mount{ContainerPath: absolute(want.MountPath), HostPath: path, Readonly: want.ReadOnly || m.readOnly(r.pod, want.Name)}
	if want.MountPropagation != nil {
		mount.Propagation = map[corev1.MountPropagationMode]runtimeapi.MountPropagation{
			corev1.MountPropagationHostToContainer: runtimeapi.MountPropagation_PROPAGATION_HOST_TO_CONTAINER,
			corev1.MountPropagationBidirectional:   runtimeapi.MountPropagation_PROPAGATION_BIDIRECTIONAL,
		}[*want.MountPropagation]
	}
	if want.RecursiveReadOnly != nil && *want.RecursiveReadOnly != corev1.RecursiveReadOnlyDisabled && mount.Readonly {
		mount.RecursiveReadOnly = true
	}
	return mount, nil
}

func absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return "/" + path
}

// readOnly: what mirrors an API object is never written by a container, nor a claim that the pod wants for reading.
func (m *podMounts) readOnly(pod *corev1.Pod, volume string) bool {
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; v.Name == volume {
			return v.ConfigMap != nil || v.Secret != nil || v.DownwardAPI != nil || v.Projected != nil ||
				v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ReadOnly
		}
	}
	return false
}

// tearDown removes the volumes of a pod that has ended; termination messages stay, its status still shows them.
func (m *podMounts) tearDown(ctx context.Context) error {
	clear(m.paths)
	m.checked = time.Time{}
	if err := m.k.unmountAll(ctx, m.dir); err != nil {
		return fmt.Errorf("tear down volumes: %w", err)
	}
	return errors.Join(os.RemoveAll(filepath.Join(m.dir, "volumes")), os.RemoveAll(filepath.Join(m.dir, "volume-subpaths")))
}

// writeHosts makes the pod's /etc/hosts.
func (m *podMounts) writeHosts(pod *corev1.Pod, ips []string) (string, error) {
	content, err := hostsFile(pod, ips, m.k.cfg.ClusterDomain)
	if err != nil {
		return "", err
	}
	path := filepath.Join(m.dir, "etc-hosts")
	if err := os.MkdirAll(m.dir, 0o750); err != nil {
		return "", err
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		return "", fmt.Errorf("write /etc/hosts of pod %s: %w", podText(pod), err)
	}
	return path, os.Chmod(path, 0o644)
}
