package cri_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/vishvananda/netlink"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/container"
	"drydock/sandbox/cri"
	"drydock/sandbox/image"
	"drydock/sandbox/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m, prepare)) }

// prepare builds dockinit and the program the containers run, and unpacks it as the bundled image.
func prepare(dir string) error {
	for name, source := range map[string]string{"dockinit": "../../cmd/dockinit", "docknode": "../../cmd/docknode", "inside": "./testdata/inside"} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	var archive bytes.Buffer
	if err := image.WriteArchive(&archive, testImages(dir)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "images.tar"), archive.Bytes(), 0o644)
}

func testImages(dir string) []image.Spec {
	base := image.Layer{Files: []image.File{
		{Path: "bin/inside", Mode: 0o755, Source: filepath.Join(dir, "inside")},
		{Path: "etc/passwd", Mode: 0o644, Data: []byte("root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n")},
		{Path: "etc/group", Mode: 0o644, Data: []byte("root:x:0:\nextra:x:7:root\n")},
		{Path: "tmp", Mode: os.ModeDir | os.ModeSticky | 0o777},
	}}
	return []image.Spec{
		{Name: "drydock/test:1", Layers: []image.Layer{base}, Config: ocispec.ImageConfig{
			Entrypoint: []string{"/bin/inside"}, Cmd: []string{"print"}, Env: []string{"FROM=image", "BOTH=image"}, WorkingDir: "/srv",
		}},
		{Name: "drydock/quit:1", Layers: []image.Layer{base}, Config: ocispec.ImageConfig{
			Entrypoint: []string{"/bin/inside"}, Cmd: []string{"wait", "quit"}, StopSignal: "SIGQUIT",
		}},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// node is a runtime that serves on a socket, and a client of it.
type node struct {
	runtimeapi.RuntimeServiceClient
	runtimeapi.ImageServiceClient

	t      testing.TB
	config cri.Config
	server *cri.Server
	logs   string
	runDir string
	pods   string // where a kubelet would keep them
	stop   func()

	mu    sync.Mutex
	steps []cri.Step // guarded by mu: what the server said that it did
}

func (n *node) observe(s cri.Step) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.steps = append(n.steps, s)
}

func newNode(t testing.TB) *node {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "n") // t.TempDir is too long for a socket's name (unix(7): 108 bytes)
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	archive, err := os.Open(filepath.Join(kerneltest.Dir(), "images.tar"))
	must(t, err)
	defer archive.Close()
	must(t, image.Seed(ctx, filepath.Join(dir, "seed"), archive))
	images, err := image.Open(ctx, image.Options{Root: filepath.Join(dir, "state"), Seed: filepath.Join(dir, "seed")})
	must(t, err)
	runner, err := container.New(container.Options{InitPath: filepath.Join(kerneltest.Dir(), "dockinit")})
	must(t, err)
	groups, err := cgroup.Open(cgroup.Options{})
	must(t, err)
	n := &node{t: t, logs: filepath.Join(dir, "logs"), runDir: filepath.Join(dir, "run"), pods: filepath.Join(dir, "pods")}
	n.config = cri.Config{
		RunDir: n.runDir, StateDir: filepath.Join(dir, "records"), PodsDir: n.pods, Images: images, Runner: runner, Cgroups: groups, PodLimits: cgroup.Limits{CPUShares: 2048, MemoryBytes: 1 << 30, Pids: 1000}, NodeName: "node-1",
		NodeIP: netip.MustParseAddr("172.30.0.11"), PodCIDR: netip.MustParsePrefix("10.244.1.0/24"),
		Pause: []string{filepath.Join(kerneltest.Dir(), "inside"), "pause"}, Version: "test", Observe: n.observe,
	}
	n.serve()
	t.Cleanup(func() {
		n.stop()
		must(t, runner.Close())
		must(t, groups.Close())
		layers, err := images.Layers().Layers(ctx)
		must(t, err)
		if len(layers) != 1 {
			t.Errorf("layers at the end: %v", layers)
		}
		must(t, images.Close())
		assertNoMounts(t, dir)
	})
	return n
}

// serve starts the server; stop ends it, once.
func (n *node) serve() {
	n.t.Helper()
	socket := filepath.Join(n.config.RunDir, "cri.sock")
	var err error
	n.server, err = cri.New(n.config)
	must(n.t, err)
	listener, err := cri.Listen(socket)
	must(n.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- n.server.Serve(ctx, listener, func() { close(ready) }) }()
	<-ready
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(n.t, err)
	n.RuntimeServiceClient, n.ImageServiceClient = runtimeapi.NewRuntimeServiceClient(conn), runtimeapi.NewImageServiceClient(conn)
	stopped := false
	n.stop = func() {
		if !stopped {
			stopped = true
			must(n.t, conn.Close())
			cancel()
			must(n.t, <-ended)
		}
	}
}

func assertNoMounts(t testing.TB, dir string) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, dir) {
			t.Errorf("mount left: %s", line)
		}
	}
}

// ctx ends soon: a test that hangs says where.
func (n *node) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	n.t.Cleanup(cancel)
	return ctx
}

// podConfig is a pod as the kubelet describes one.
func (n *node) podConfig(name string) *runtimeapi.PodSandboxConfig {
	return &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: name, Namespace: "default", Uid: "uid-" + name}, Hostname: name,
		LogDirectory: filepath.Join(n.logs, name), Labels: map[string]string{"app": name},
		DnsConfig: &runtimeapi.DNSConfig{Servers: []string{"10.96.0.10"}, Searches: []string{"default.svc.cluster.local"}, Options: []string{"ndots:5"}},
		Linux:     &runtimeapi.LinuxPodSandboxConfig{SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{NamespaceOptions: ownPIDs()}},
	}
}

func ownPIDs() *runtimeapi.NamespaceOption {
	return &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER}
}

// containerConfig runs "inside" with args.
func containerConfig(name string, args ...string) *runtimeapi.ContainerConfig {
	return &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: name}, Image: &runtimeapi.ImageSpec{Image: "drydock/test:1"}, Args: args,
		LogPath: name + "/0.log", Labels: map[string]string{"container": name},
		Linux: &runtimeapi.LinuxContainerConfig{SecurityContext: &runtimeapi.LinuxContainerSecurityContext{NamespaceOptions: ownPIDs()}},
	}
}

func (n *node) runPod(config *runtimeapi.PodSandboxConfig) string {
	n.t.Helper()
	resp, err := n.RunPodSandbox(n.ctx(), &runtimeapi.RunPodSandboxRequest{Config: config})
	must(n.t, err)
	return resp.GetPodSandboxId()
}

func (n *node) create(pod string, config *runtimeapi.ContainerConfig) string {
	n.t.Helper()
	resp, err := n.CreateContainer(n.ctx(), &runtimeapi.CreateContainerRequest{PodSandboxId: pod, Config: config})
	must(n.t, err)
	return resp.GetContainerId()
}

func (n *node) start(id string) {
	n.t.Helper()
	_, err := n.StartContainer(n.ctx(), &runtimeapi.StartContainerRequest{ContainerId: id})
	must(n.t, err)
}

func (n *node) status(id string) *runtimeapi.ContainerStatus {
	n.t.Helper()
	resp, err := n.ContainerStatus(n.ctx(), &runtimeapi.ContainerStatusRequest{ContainerId: id})
	must(n.t, err)
	return resp.GetStatus()
}

// watch listens for events from now on.
func (n *node) watch() runtimeapi.RuntimeService_GetContainerEventsClient {
	n.t.Helper()
	stream, err := n.GetContainerEvents(n.ctx(), &runtimeapi.GetEventsRequest{})
	must(n.t, err)
	_, err = stream.Header()
	must(n.t, err)
	return stream
}

// runToEnd runs a container and returns its status after its end.
func (n *node) runToEnd(pod string, config *runtimeapi.ContainerConfig) *runtimeapi.ContainerStatus {
	n.t.Helper()
	events := n.watch()
	id := n.create(pod, config)
	n.start(id)
	for {
		e, err := events.Recv()
		must(n.t, err)
		if e.GetContainerId() == id && e.GetContainerEventType() == runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT {
			return n.status(id)
		}
	}
}

// output is what a container that has ended printed, without the log's columns.
func (n *node) output(st *runtimeapi.ContainerStatus) string {
	n.t.Helper()
	data, err := os.ReadFile(st.GetLogPath())
	must(n.t, err)
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if f := strings.SplitN(line, " ", 4); len(f) == 4 {
			b.WriteString(f[3])
		}
	}
	return b.String()
}
