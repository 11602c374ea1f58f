package cri

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/container"
	"drydock/sandbox/image"
)

// ctr is the record of one container.
type ctr struct {
	// set once in CreateContainer
	id         string
	name       string // as reserved
	pod        *pod
	config     *runtimeapi.ContainerConfig
	image      image.Image
	dir        string
	logPath    string // empty: nothing is logged
	created    time.Time
	spec       *specs.Spec
	stopSignal syscall.Signal
	group      cgroup.Group                   // nil without limits
	streams    *streams                       // nil when past
	user       *runtimeapi.LinuxContainerUser // who the first process is
	record     string                         // the file that outlives us; empty for none
	past       bool                           // of an earlier server: nothing of it exists any more but its record and its log
	stopped    chan struct{}                  // closed when the record says that the container has ended

	mu sync.Mutex
	// guarded by mu
	starting, removing bool
	process            *container.Container // nil before the start
	resources          *runtimeapi.LinuxContainerResources
	started, finished  time.Time
	exitCode           int32
	reason, message    string
}

// CreateContainer implements RuntimeService.
func (s *Server) CreateContainer(ctx context.Context, req *runtimeapi.CreateContainerRequest) (*runtimeapi.CreateContainerResponse, error) {
	p, err := s.pod(req.GetPodSandboxId())
	if err != nil {
		return nil, err
	}
	config := req.GetConfig()
	if config.GetMetadata().GetName() == "" {
		return nil, status.Error(codes.InvalidArgument, "container config has no metadata.name")
	}
	leave, err := s.enter(p)
	if err != nil {
		return nil, err
	}
	defer leave()
	c := &ctr{
		id: newID(), name: containerName(config.GetMetadata(), p), pod: p, config: config, created: time.Now(),
		stopped: make(chan struct{}), resources: config.GetLinux().GetResources(),
	}
	c.dir = filepath.Join(s.containersDir(), c.id)
	c.logPath = logPath(p, config)
	if err := s.reserve(c.name, c.id); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, c); err != nil {
		s.release(c.name)
		return nil, fmt.Errorf("create container %s: %w", config.GetMetadata().GetName(), err)
	}
	s.mu.Lock()
	s.containers[c.id] = c
	s.mu.Unlock()
	s.observeCreate(c)
	s.tell(p, c.id, runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT)
	return &runtimeapi.CreateContainerResponse{ContainerId: c.id}, nil
}

// logPath is where the container's output goes, "" for nowhere.
func logPath(p *pod, config *runtimeapi.ContainerConfig) string {
	dir, file := p.config.GetLogDirectory(), config.GetLogPath()
	if dir == "" || file == "" {
		return ""
	}
	return filepath.Join(dir, file)
}

// prepare makes the container's root file system, its specification, its streams and its cgroup.
func (s *Server) prepare(ctx context.Context, c *ctr) (err error) {
	var back undo
	defer func() { err = back.after(err) }()
	if c.image, err = s.cfg.Images.Resolve(ctx, c.config.GetImage().GetImage()); err != nil {
		return err
	}
	top, err := s.cfg.Images.Unpack(ctx, c.image)
	if err != nil {
		return err
	}
	layers := s.cfg.Images.Layers()
	if err := layers.Prepare(ctx, c.id, top); err != nil {
		return err
	}
	back.add(func() error { return layers.Remove(context.WithoutCancel(ctx), c.id) })
	if err := s.inherit(ctx, c); err != nil {
		return err
	}
	if err := os.MkdirAll(c.rootfs(), 0o755); err != nil {
		return err
	}
	back.add(func() error { return os.RemoveAll(c.dir) })
	if err := layers.Mount(ctx, c.id, c.rootfs()); err != nil {
		return err
	}
	back.add(func() error { return layers.Unmount(c.rootfs()) })
	back.add(func() error {
		return errors.Join(s.unmountImages(c), s.removeImages(context.WithoutCancel(ctx), c))
	})
	if err := s.mountImages(ctx, c); err != nil {
		return err
	}
	if c.stopSignal, err = stopSignal(c.config.GetStopSignal(), c.image.Config.StopSignal); err != nil {
		return err
	}
	if c.spec, err = s.spec(c); err != nil {
		return err
	}
	if c.streams, err = newStreams(c); err != nil {
		return err
	}
	back.add(c.streams.close)
	if err := s.limit(c); err != nil {
		return err
	}
	back.add(c.releaseGroup)
	c.user = userOf(c.spec)
	return s.rememberContainer(c)
}

func (c *ctr) rootfs() string { return filepath.Join(c.dir, "rootfs") }

// running is the container's process, or nil before it starts and after it has ended.
func (c *ctr) running() *container.Container {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil || !c.finished.IsZero() {
		return nil
	}
	return c.process
}

// StartContainer implements RuntimeService. When the program cannot be started, the container has ended, with the reason
// StartError and exit code 128.
func (s *Server) StartContainer(ctx context.Context, req *runtimeapi.StartContainerRequest) (*runtimeapi.StartContainerResponse, error) {
	c, err := s.container(req.GetContainerId())
	if err != nil {
		return nil, err
	}
	if err := c.beginStart(); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := s.launch(ctx, c); err != nil {
		err = errors.Join(err, c.streams.close())
		e := ending{code: startErrorCode, reason: "StartError", message: err.Error(), at: time.Now()}
		c.end(e)
		s.observeEnd(c, e)
		s.tell(c.pod, c.id, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
		return nil, fmt.Errorf("start container %s: %w", c.config.GetMetadata().GetName(), err)
	}
	s.observeStart(c, c.process.PID(), time.Since(begun))
	s.tell(c.pod, c.id, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT)
	go s.watch(c)
	return &runtimeapi.StartContainerResponse{}, nil
}

// startErrorCode is the exit code that containerd gives a container whose program never ran.
const startErrorCode = 128

// beginStart claims the right to start the container, which exists once.
func (c *ctr) beginStart() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.starting || c.removing || c.process != nil {
		return status.Errorf(codes.FailedPrecondition, "container %s is in state %s", c.id, c.stateLocked())
	}
	c.starting = true
	return nil
}

// launch makes the process and lets it go.
func (s *Server) launch(ctx context.Context, c *ctr) error {
	leave, err := s.enter(c.pod)
	if err != nil {
		return err
	}
	defer leave()
	if err := c.joinTarget(s); err != nil {
		return err
	}
	config := container.Config{ID: c.id, Spec: c.spec, Stdio: c.streams.child}
	if c.group != nil {
		config.Group = c.group
	}
	process, err := s.cfg.Runner.Create(ctx, config)
	if err != nil {
		return err
	}
	c.streams.begin(process)
	if err := process.Start(); err != nil {
		return errors.Join(err, process.Delete())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process, c.started, c.starting = process, time.Now(), false
	c.noteLocked()
	return nil
}

// joinTarget looks the pid namespace up again: between create and start another container may have been restarted.
func (c *ctr) joinTarget(s *Server) error {
	ns, own, err := s.pidNamespace(c.pod, c.config.GetLinux().GetSecurityContext().GetNamespaceOptions())
	if err != nil || !own {
		return err
	}
	for i := range c.spec.Linux.Namespaces {
		if c.spec.Linux.Namespaces[i].Type == specs.PIDNamespace {
			c.spec.Linux.Namespaces[i] = ns
		}
	}
	return nil
}

// watch waits for the container's end and writes it down. The output is read to its end first: whoever sees that the
// container has ended finds its last line in the log.
func (s *Server) watch(c *ctr) {
	exit, err := c.process.Wait(context.Background())
	c.streams.drain()
	e := ending{code: int32(exit.Code), reason: "Completed", at: exit.ExitedAt}
	switch {
	case err != nil:
		e.code, e.reason, e.message = 255, "Unknown", err.Error()
	case exit.OOMKilled:
		e.reason = "OOMKilled"
	case exit.Code != 0:
		e.reason = "Error"
	}
	if err := errors.Join(c.process.Delete(), c.releaseGroup()); err != nil {
		e.message = err.Error()
	}
	c.end(e)
	s.observeEnd(c, e)
	s.tell(c.pod, c.id, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
}

// ending is how a container ended.
type ending struct {
	code            int32
	reason, message string
	at              time.Time
}

// end writes the end down, once.
func (c *ctr) end(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.finished.IsZero() {
		return
	}
	if e.at.IsZero() {
		e.at = time.Now()
	}
	c.starting = false
	c.finished, c.exitCode, c.reason, c.message = e.at, e.code, e.reason, e.message
	c.noteLocked()
	close(c.stopped)
}
