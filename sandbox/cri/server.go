package cri

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/container"
	"drydock/sandbox/image"
	"drydock/sandbox/network"
)

// Config is what a Server stands on. The server does not close what it is given.
type Config struct {
	// RunDir is where sandboxes and mounted root file systems appear, /run/drydock. What an earlier server left is swept.
	RunDir string
	// StateDir keeps the records of sandboxes and containers for the next server; empty keeps none.
	StateDir string
	Images   *image.Store
	Runner   *container.Runner
	// Cgroups limits and measures containers; nil means neither.
	Cgroups cgroup.Manager
	// PodLimits is what all pods of the node may use together, enforced on the group kubepods: what --enforce-node-allocatable=pods
	// does. Zero limits nothing; the emulated tier has no such group.
	PodLimits cgroup.Limits

	NodeName string
	NodeIP   netip.Addr
	PodCIDR  netip.Prefix
	PodMTU   int // how long pods' packets may be; 0: the kernel's usual

	// PodsDir is where the kubelet keeps the pods' directories, by uid: /var/lib/kubelet/pods. It is needed by Keep and its like.
	PodsDir string

	// Pause is a static program and its arguments that sleeps and reaps: it holds the pid namespace of pods that share one.
	Pause []string
	// Version is told to clients.
	Version string
	// Observe is told what was done, if it is set. It must not block; it is called from many goroutines.
	Observe func(Step)
}

// Server implements RuntimeService and ImageService. Its methods may be called at the same time.
type Server struct {
	runtimeapi.UnimplementedRuntimeServiceServer

	// set once in New
	cfg    Config
	pool   *network.Pool
	stream streaming.Server
	events *hub
	ports  network.HostPorts // of all pods

	mu         sync.Mutex
	pods       map[string]*pod   // guarded by mu: by id
	containers map[string]*ctr   // guarded by mu: by id
	names      map[string]string // guarded by mu: who holds a name, see reserve

	legacies map[[2]string]string // guarded by mu: what a container that is still to come inherits, by its pod's uid and its name

	classes classes
}

// New prepares a server and sweeps RunDir.
func New(cfg Config) (*Server, error) {
	pool, err := network.NewPool(cfg.PodCIDR)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, pool: pool, events: newHub(),
		pods: map[string]*pod{}, containers: map[string]*ctr{}, names: map[string]string{}, legacies: map[[2]string]string{},
	}
	for _, dir := range []string{s.podsDir(), s.containersDir()} {
		if err := sweep(dir); err != nil {
			return nil, err
		}
	}
	if err := s.recall(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) podsDir() string       { return filepath.Join(s.cfg.RunDir, "sandboxes") }
func (s *Server) containersDir() string { return filepath.Join(s.cfg.RunDir, "containers") }

// sweep empties a folder in which a dead server may have left mounts.
func sweep(dir string) error {
	if err := unmountBelow(dir); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("sweep %q: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make runtime folder: %w", err)
	}
	return nil
}

// Listen makes the unix socket at path, for its owner only, replacing what a dead server left there.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make folder of CRI socket: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old CRI socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on CRI socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect CRI socket: %w", err), l.Close())
	}
	return l, nil
}

// Images is where the node's images are.
func (s *Server) Images() *image.Store { return s.cfg.Images }

// Serve answers requests on l until ctx ends, and then kills all containers and takes down all sandboxes; their records stay. ready
// is called once, when requests are being answered.
func (s *Server) Serve(ctx context.Context, l net.Listener, ready func()) error {
	streams, err := s.listenStreams()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	web := &http.Server{Handler: s.stream, ReadHeaderTimeout: time.Minute}
	rpc := grpc.NewServer(grpc.UnaryInterceptor(answerUnary), grpc.StreamInterceptor(answerStream),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	runtimeapi.RegisterRuntimeServiceServer(rpc, s)
	runtimeapi.RegisterImageServiceServer(rpc, &imageService{images: s.cfg.Images})
	failed := make(chan error, 2)
	go func() { failed <- rpc.Serve(l) }()
	go func() { failed <- web.Serve(streams) }()
	ready()
	select {
	case err = <-failed:
		err = fmt.Errorf("serve CRI: %w", err)
	case <-ctx.Done():
	}
	s.events.close()
	rpc.Stop()
	return errors.Join(err, web.Close(), s.shutdown())
}

// maxMessage is gRPC's limit as the kubelet and containerd set it.
const maxMessage = 16 << 20

// shutdown takes everything down, all pods at once.
func (s *Server) shutdown() error {
	ctx := context.Background()
	var wg sync.WaitGroup
	for _, p := range s.listPods() {
		wg.Go(func() { _ = s.stopPod(ctx, p) }) // what is left of it ends with the node
	}
	wg.Wait()
	return errors.Join(unmountBelow(s.podsDir()), unmountBelow(s.containersDir()))
}
