package kubelet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/decision"
	"drydock/engine/storage"
)

// A CSI volume has two places on a node. The driver mounts it at the first, the staging path, once for all pods; from there it is
// mounted, or published, into each pod's directory. Beside each published volume lies a file that says what it is, so that it can be
// unmounted by a kubelet that never knew the pod:
//
//	plugins/kubernetes.io/csi/<driver>/<sha256 of the volume's id>/globalmount
//	pods/<uid>/volumes/kubernetes.io~csi/<persistent volume>/{mount,vol_data.json}
const csiDir = "kubernetes.io~csi"

// volumeData is what vol_data.json says, in upstream's words.
type volumeData struct {
	Driver    string `json:"driverName"`
	Handle    string `json:"volumeHandle"`
	Volume    string `json:"specVolID"` // the PersistentVolume
	Node      string `json:"nodeName"`
	Lifecycle string `json:"volumeLifecycleMode"`
}

// csiVolumes knows which pods use a staged volume, and lets one change at a time happen to each.
type csiVolumes struct {
	mu sync.Mutex
	// guarded by mu
	users map[string]map[string]bool // publish paths by staging path
	busy  map[string]*sync.Mutex     // held while a volume is mounted or unmounted, by staging path
}

func newCSIVolumes() *csiVolumes {
	return &csiVolumes{users: map[string]map[string]bool{}, busy: map[string]*sync.Mutex{}}
}

// hold waits until nobody else changes the volume that is staged at path.
func (v *csiVolumes) hold(path string) (release func()) {
	v.mu.Lock()
	lock := v.busy[path]
	if lock == nil {
		lock = &sync.Mutex{}
		v.busy[path] = lock
	}
	v.mu.Unlock()
	lock.Lock()
	return lock.Unlock
}

func (v *csiVolumes) add(stage, target string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.users[stage] == nil {
		v.users[stage] = map[string]bool{}
	}
	v.users[stage][target] = true
}

// drop forgets a user and says whether it was the last.
func (v *csiVolumes) drop(stage, target string) (last bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.users[stage], target)
	if len(v.users[stage]) > 0 {
		return false
	}
	delete(v.users, stage)
	return true
}

func (v *csiVolumes) published(target string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, targets := range v.users {
		if targets[target] {
			return true
		}
	}
	return false
}

// load takes in what an earlier kubelet has published.
func (v *csiVolumes) load(root string) error {
	files, err := filepath.Glob(filepath.Join(root, "pods", "*", "volumes", csiDir, "*", "vol_data.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if data, err := readVolumeData(file); err == nil { // torn by a power cut: then nothing was mounted
			v.add(stagePath(root, data.Driver, data.Handle), filepath.Join(filepath.Dir(file), "mount"))
		}
	}
	return nil
}

func readVolumeData(file string) (volumeData, error) {
	var data volumeData
	text, err := os.ReadFile(file)
	if err != nil {
		return data, err
	}
	return data, json.Unmarshal(text, &data)
}

func stagePath(root, driver, handle string) string {
	return filepath.Join(root, "plugins", "kubernetes.io", "csi", driver, fmt.Sprintf("%x", sha256.Sum256([]byte(handle))), "globalmount")
}

func (k *Kubelet) publishPath(c claimed) string {
	return filepath.Join(k.podDir(c.pod), "volumes", csiDir, c.volume.Name, "mount")
}

// mountCSI has a driver make its volume appear in the pod's directory. What is mounted already is left as it is, by the driver.
func (m *podMounts) mountCSI(ctx context.Context, c claimed) (string, error) {
	k, source := m.k, c.volume.Spec.CSI
	driver, err := k.drivers.find(ctx, source.Driver)
	if err != nil {
		return "", err
	}
	stage, target := stagePath(k.cfg.RootDir, source.Driver, source.VolumeHandle), k.publishPath(c)
	defer k.volumes.hold(stage)()
	data := volumeData{Driver: source.Driver, Handle: source.VolumeHandle, Volume: c.volume.Name, Node: k.cfg.NodeName, Lifecycle: "Persistent"}
	if err := data.write(filepath.Dir(target)); err != nil {
		return "", err
	}
	k.volumes.add(stage, target) // from here on tearDown undoes what has been done
	ctx, cancel := storage.WithPatience(ctx)
	defer cancel()
	if err := driver.mount(ctx, c, stage, target); err != nil {
		return "", err
	}
	if err := k.shareWithGroup(ctx, c, target); err != nil {
		return "", err
	}
	k.cfg.Recorder.Record(decision.Record{
		Actor: "kubelet/" + k.cfg.NodeName, Object: podObject(c.pod), Action: "MountVolume", After: c.volume.Name, Reason: "NodePublishVolume",
		Details: map[string]string{"claim": c.claim.Name, "driver": source.Driver, "volume": source.VolumeHandle},
	})
	return target, nil
}

func (d volumeData) write(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "vol_data.json"), text, 0o600)
}

// mount is the two calls to the driver.
func (d *csiDriver) mount(ctx context.Context, c claimed, stage, target string) error {
	source, node := c.volume.Spec.CSI, csi.NewNodeClient(d.conn)
	capability := &csi.VolumeCapability{
		AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{FsType: source.FSType, MountFlags: c.volume.Spec.MountOptions}},
		AccessMode: &csi.VolumeCapability_AccessMode{Mode: d.accessMode(c.volume.Spec.AccessModes)},
	}
	staged := ""
	if d.stages {
		staged = stage
		if err := os.MkdirAll(stage, 0o750); err != nil {
			return err
		}
		_, err := node.NodeStageVolume(ctx, &csi.NodeStageVolumeRequest{
			VolumeId: source.VolumeHandle, StagingTargetPath: stage, VolumeCapability: capability, VolumeContext: source.VolumeAttributes,
		})
		if err != nil {
			return err
		}
	}
	_, err := node.NodePublishVolume(ctx, &csi.NodePublishVolumeRequest{
		VolumeId: source.VolumeHandle, StagingTargetPath: staged, TargetPath: target, VolumeCapability: capability,
		Readonly: source.ReadOnly || c.readOnly, VolumeContext: source.VolumeAttributes,
	})
	return err
}

// accessMode is the strongest of the modes a volume offers.
func (d *csiDriver) accessMode(modes []corev1.PersistentVolumeAccessMode) csi.VolumeCapability_AccessMode_Mode {
	has := map[corev1.PersistentVolumeAccessMode]bool{}
	for _, mode := range modes {
		has[mode] = true
	}
	switch {
	case has[corev1.ReadWriteMany]:
		return csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER
	case has[corev1.ReadOnlyMany] && !has[corev1.ReadWriteOnce]:
		return csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY
	case has[corev1.ReadWriteOncePod] && d.manyWriters:
		return csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER
	case d.manyWriters:
		return csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER
	}
	return csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER
}

// unmountCSI takes the CSI volumes out of a pod's directory, and off the node where no other pod uses them.
func (k *Kubelet) unmountCSI(ctx context.Context, podDir string) error {
	dirs, err := filepath.Glob(filepath.Join(podDir, "volumes", csiDir, "*"))
	if err != nil {
		return err
	}
	var failures []error
	for _, dir := range dirs {
		if err := k.unmountOne(ctx, dir); err != nil {
			failures = append(failures, fmt.Errorf("unmount volume %s: %w", filepath.Base(dir), err))
		}
	}
	return errors.Join(failures...)
}

func (k *Kubelet) unmountOne(ctx context.Context, dir string) error {
	data, err := readVolumeData(filepath.Join(dir, "vol_data.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	driver, err := k.drivers.find(ctx, data.Driver)
	if err != nil {
		return err
	}
	stage, target := stagePath(k.cfg.RootDir, data.Driver, data.Handle), filepath.Join(dir, "mount")
	defer k.volumes.hold(stage)()
	ctx, cancel := storage.WithPatience(ctx)
	defer cancel()
	node := csi.NewNodeClient(driver.conn)
	if _, err := node.NodeUnpublishVolume(ctx, &csi.NodeUnpublishVolumeRequest{VolumeId: data.Handle, TargetPath: target}); err != nil {
		return err
	}
	if k.volumes.drop(stage, target) && driver.stages {
		if _, err := node.NodeUnstageVolume(ctx, &csi.NodeUnstageVolumeRequest{VolumeId: data.Handle, StagingTargetPath: stage}); err != nil {
			k.volumes.add(stage, target) // the next attempt is the last user's again
			return err
		}
		_ = os.Remove(filepath.Dir(stage)) // empty; if not, the next pod finds it
	}
	// Never more than what is empty: were something still mounted here, it would be somebody's data.
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}

// shareWithGroup gives a volume to the pod's fsGroup if the driver wants that.
func (k *Kubelet) shareWithGroup(ctx context.Context, c claimed, path string) error {
	security := c.pod.Spec.SecurityContext
	if security == nil || security.FSGroup == nil || c.readOnly || c.volume.Spec.CSI.ReadOnly {
		return nil
	}
	policy := storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy
	if driver, err := k.cfg.Client.CSIDriver(ctx, c.volume.Spec.CSI.Driver); err == nil {
		policy = ptr.Deref(driver.Spec.FSGroupPolicy, policy)
	}
	once := len(c.volume.Spec.AccessModes) == 1 && (c.volume.Spec.AccessModes[0] == corev1.ReadWriteOnce || c.volume.Spec.AccessModes[0] == corev1.ReadWriteOncePod)
	if policy == storagev1.NoneFSGroupPolicy || policy == storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy && (c.volume.Spec.CSI.FSType == "" || !once) {
		return nil
	}
	group := int(*security.FSGroup)
	if ptr.Deref(security.FSGroupChangePolicy, corev1.FSGroupChangeAlways) == corev1.FSGroupChangeOnRootMismatch && given(path, group) {
		return nil
	}
	return handOver(path, group, groupMayWrite)
}
