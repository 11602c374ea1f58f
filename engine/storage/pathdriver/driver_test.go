package pathdriver_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"drydock/engine/storage"
	"drydock/engine/storage/pathdriver"
)

var ctx = context.Background()

// waits makes a call wait for a server that is still starting.
var waits = grpc.WaitForReady(true)

// world is a driver and the directories of its node.
type world struct {
	*pathdriver.Driver
	t   *testing.T
	dir string
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	w := &world{t: t, dir: dir}
	for _, part := range []string{"local", "shared", "kubelet"} {
		if err := os.Mkdir(w.path(part), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.Driver = pathdriver.New(pathdriver.Config{Node: "node-1", Local: w.path("local"), Shared: w.path("shared"), KubeletDir: w.path("kubelet")})
	return w
}

func (w *world) path(elem ...string) string {
	return filepath.Join(append([]string{w.dir}, elem...)...)
}

func filesystem(mode csi.VolumeCapability_AccessMode_Mode) *csi.VolumeCapability {
	return &csi.VolumeCapability{
		AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{}},
		AccessMode: &csi.VolumeCapability_AccessMode{Mode: mode},
	}
}

const (
	oneWriter   = csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER
	manyWriters = csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER
)

func request(name string, bytes int64) *csi.CreateVolumeRequest {
	return &csi.CreateVolumeRequest{
		Name: name, CapacityRange: &csi.CapacityRange{RequiredBytes: bytes}, VolumeCapabilities: []*csi.VolumeCapability{filesystem(oneWriter)},
	}
}

func (w *world) create(r *csi.CreateVolumeRequest) *csi.Volume {
	w.t.Helper()
	answer, err := w.CreateVolume(ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.GetVolume()
}

func (w *world) stage(id, at string) {
	w.t.Helper()
	w.t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // or the test's directory could not be removed
	_, err := w.NodeStageVolume(ctx, &csi.NodeStageVolumeRequest{VolumeId: id, StagingTargetPath: at, VolumeCapability: filesystem(oneWriter)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) publish(id, from, to string, readOnly bool) {
	w.t.Helper()
	_, err := w.NodePublishVolume(ctx, &csi.NodePublishVolumeRequest{
		VolumeId: id, StagingTargetPath: from, TargetPath: to, VolumeCapability: filesystem(oneWriter), Readonly: readOnly,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) unpublish(id, at string) {
	w.t.Helper()
	if _, err := w.NodeUnpublishVolume(ctx, &csi.NodeUnpublishVolumeRequest{VolumeId: id, TargetPath: at}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(path string) string {
	w.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// TestVolumeIsThereForOnePodAfterTheOther: two pods at a time, a repeated call, one after the other, and after a reboot.
func TestVolumeIsThereForOnePodAfterTheOther(t *testing.T) {
	w := newWorld(t)
	v := w.create(request("pvc-1", 1<<20))
	if again := w.create(request("pvc-1", 1<<20)); again.VolumeId != v.VolumeId || again.CapacityBytes != 1<<20 {
		t.Errorf("the same request makes %v, then %v", v, again)
	}
	if got := v.AccessibleTopology[0].Segments[storage.TopologyKey]; got != "node-1" {
		t.Errorf("the volume is on %q", got)
	}
	stage, a, b := w.path("stage"), w.path("pod-a", "mount"), w.path("pod-b", "mount")
	for range 2 {
		w.stage(v.VolumeId, stage)
		w.publish(v.VolumeId, stage, a, false)
		w.publish(v.VolumeId, stage, b, true)
	}
	w.write(filepath.Join(a, "note"), "kept")
	if got := w.read(filepath.Join(b, "note")); got != "kept" {
		t.Errorf("the other pod reads %q", got)
	}
	if err := os.WriteFile(filepath.Join(b, "note"), nil, 0o600); !os.IsPermission(err) && !strings.Contains(err.Error(), "read-only") {
		t.Errorf("who may only read writes: %v", err)
	}
	for _, pod := range []string{a, b, a} {
		w.unpublish(v.VolumeId, pod)
		if _, err := os.Stat(pod); !os.IsNotExist(err) {
			t.Errorf("after unpublishing %s is there: %v", pod, err)
		}
	}
	if _, err := w.NodeUnstageVolume(ctx, &csi.NodeUnstageVolumeRequest{VolumeId: v.VolumeId, StagingTargetPath: stage}); err != nil {
		t.Fatal(err)
	}
	next := pathdriver.New(pathdriver.Config{Node: "node-1", Local: w.path("local"), Shared: w.path("shared")})
	w.Driver = next
	w.stage(v.VolumeId, stage)
	w.publish(v.VolumeId, stage, a, false)
	if got := w.read(filepath.Join(a, "note")); got != "kept" {
		t.Errorf("the next pod reads %q", got)
	}
	w.unpublish(v.VolumeId, a)
}

// TestUnpublishNeverDeletesData: a second mount over the first, which nobody should have made, is undone too; files that lie at the
// place stay.
func TestUnpublishNeverDeletesData(t *testing.T) {
	w := newWorld(t)
	v := w.create(request("pvc-1", 1))
	stage, pod := w.path("stage"), w.path("pod")
	w.stage(v.VolumeId, stage)
	w.publish(v.VolumeId, stage, pod, false)
	w.write(filepath.Join(pod, "note"), "kept")
	if err := unix.Mount(stage, pod, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	w.unpublish(v.VolumeId, pod)
	if got := w.read(filepath.Join(stage, "note")); got != "kept" {
		t.Errorf("the volume holds %q", got)
	}
	strange := w.path("strange")
	if err := os.Mkdir(strange, 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(filepath.Join(strange, "file"), "somebody's")
	if _, err := w.NodeUnpublishVolume(ctx, &csi.NodeUnpublishVolumeRequest{VolumeId: v.VolumeId, TargetPath: strange}); err == nil {
		t.Error("a directory that was never mounted is taken away with its files")
	}
	if got := w.read(filepath.Join(strange, "file")); got != "somebody's" {
		t.Errorf("the file holds %q", got)
	}
}

func TestDeleteAndGrow(t *testing.T) {
	w := newWorld(t)
	v := w.create(request("pvc-1", 1000))
	w.write(w.path("local", "pvc-1", "data", "note"), "x")
	grown, err := w.ControllerExpandVolume(ctx, &csi.ControllerExpandVolumeRequest{VolumeId: v.VolumeId, CapacityRange: &csi.CapacityRange{RequiredBytes: 5000}})
	if err != nil || grown.CapacityBytes != 5000 || grown.NodeExpansionRequired {
		t.Errorf("grown to %v, %v", grown, err)
	}
	stats, err := w.NodeGetVolumeStats(ctx, &csi.NodeGetVolumeStatsRequest{VolumeId: v.VolumeId, VolumePath: w.path()})
	if err != nil {
		t.Fatal(err)
	}
	if bytes := stats.Usage[0]; bytes.Total != 5000 || bytes.Used <= 0 || bytes.Available != max(0, bytes.Total-bytes.Used) {
		t.Errorf("bytes: %v", bytes)
	}
	for range 2 {
		if _, err := w.DeleteVolume(ctx, &csi.DeleteVolumeRequest{VolumeId: v.VolumeId}); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(w.path("local"))
	if err != nil || len(left) != 0 {
		t.Errorf("after deletion there is %v, %v", left, err)
	}
	_, err = w.NodeStageVolume(ctx, &csi.NodeStageVolumeRequest{VolumeId: v.VolumeId, StagingTargetPath: w.path("stage"), VolumeCapability: filesystem(oneWriter)})
	if status.Code(err) != codes.NotFound {
		t.Errorf("staging a volume that is gone: %v", err)
	}
}

func TestClone(t *testing.T) {
	w := newWorld(t)
	v := w.create(request("pvc-1", 1))
	w.write(w.path("local", "pvc-1", "data", "note"), "original")
	r := request("pvc-2", 1)
	r.VolumeContentSource = &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Volume{
		Volume: &csi.VolumeContentSource_VolumeSource{VolumeId: v.VolumeId},
	}}
	w.create(r)
	w.write(w.path("local", "pvc-1", "data", "note"), "changed")
	if got := w.read(w.path("local", "pvc-2", "data", "note")); got != "original" {
		t.Errorf("the copy holds %q", got)
	}
}

func TestSharedVolumeIsWhereAllNodesSeeIt(t *testing.T) {
	w := newWorld(t)
	r := request("pvc-1", 1)
	r.VolumeCapabilities = []*csi.VolumeCapability{filesystem(manyWriters)}
	if _, err := w.CreateVolume(ctx, r); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a volume of one node for writers on many: %v", err)
	}
	r.Parameters = map[string]string{storage.SharedParameter: "true"}
	v := w.create(r)
	if len(v.AccessibleTopology) != 0 || v.VolumeId != "shared/pvc-1" {
		t.Errorf("made %v", v)
	}
	other := pathdriver.New(pathdriver.Config{Node: "node-2", Local: w.path("local-2"), Shared: w.path("shared")})
	w.stage(v.VolumeId, w.path("stage-1"))
	w.Driver = other
	w.stage(v.VolumeId, w.path("stage-2"))
	w.write(w.path("stage-1", "note"), "from one")
	if got := w.read(w.path("stage-2", "note")); got != "from one" {
		t.Errorf("the other node reads %q", got)
	}
}

// TestIdsStayInTheirDirectory: what comes over the socket cannot lead elsewhere.
func TestIdsStayInTheirDirectory(t *testing.T) {
	w := newWorld(t)
	w.write(w.path("precious"), "x")
	for _, id := range []string{"local/../precious", "local/..", "local/", "shared/../../x", "precious", "", "local/a/b", "local/.hidden"} {
		if _, err := w.DeleteVolume(ctx, &csi.DeleteVolumeRequest{VolumeId: id}); err != nil {
			t.Errorf("delete %q: %v", id, err)
		}
		if _, err := w.NodeGetVolumeStats(ctx, &csi.NodeGetVolumeStatsRequest{VolumeId: id}); status.Code(err) != codes.NotFound {
			t.Errorf("measure %q: %v", id, err)
		}
	}
	for _, name := range []string{"", "..", "a/b", ".x", strings.Repeat("x", 200)} {
		if _, err := w.CreateVolume(ctx, request(name, 1)); status.Code(err) != codes.InvalidArgument {
			t.Errorf("create %q: %v", name, err)
		}
	}
	if got := w.read(w.path("precious")); got != "x" {
		t.Errorf("the file outside holds %q", got)
	}
}

func TestRefusesBlockVolumes(t *testing.T) {
	w := newWorld(t)
	r := request("pvc-1", 1)
	r.VolumeCapabilities[0].AccessType = &csi.VolumeCapability_Block{Block: &csi.VolumeCapability_BlockVolume{}}
	if _, err := w.CreateVolume(ctx, r); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "no block volumes") {
		t.Errorf("a block volume: %v", err)
	}
}

// TestAnswersOnItsSockets: the way a kubelet finds a driver.
func TestAnswersOnItsSockets(t *testing.T) {
	dir, err := os.MkdirTemp("", "csi") // a socket's path may have 107 bytes, and t.TempDir is long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := pathdriver.New(pathdriver.Config{Node: "node-1", Local: filepath.Join(dir, "l"), Shared: filepath.Join(dir, "s"), KubeletDir: dir})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	conn, err := storage.Dial(filepath.Join(storage.Registry(dir), storage.Driver+"-reg.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	patient, cancel := storage.WithPatience(ctx)
	defer cancel()
	info, err := registration.NewRegistrationClient(conn).GetInfo(patient, &registration.InfoRequest{}, waits)
	if err != nil || info.Name != storage.Driver || info.Type != registration.CSIPlugin {
		t.Fatalf("it says %v, %v", info, err)
	}
	driver, err := storage.Dial(info.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = driver.Close() }()
	about, err := csi.NewNodeClient(driver).NodeGetInfo(patient, &csi.NodeGetInfoRequest{})
	if err != nil || about.NodeId != "node-1" {
		t.Errorf("the driver says %v, %v", about, err)
	}
}
