package ctr

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cri"
)

// Plan is a container to run.
type Plan struct {
	Name        string // made up when empty
	Image       string
	Args        []string // instead of the image's
	Env         []string // KEY=VALUE
	Memory      int64    // bytes; 0 is no limit
	CPUs        float64  // 0 is no limit
	ReadOnly    bool     // its root file system
	HostNetwork bool     // the node's network instead of one of its own
}

// ErrPlan is the error of a plan that cannot be carried out as it is.
var ErrPlan = errors.New("cannot run it so")

const (
	logs      = "/var/log/ctr"
	cpuPeriod = 100_000 // microseconds, the kernel's usual one (cgroups(7), cpu.max)
)

var nameForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// Start makes a container and starts it. What it made before something went wrong is removed again.
func (c *Client) Start(ctx context.Context, p Plan) (Container, error) {
	if p.Name == "" {
		p.Name = "ctr-" + strings.ToLower(rand.Text()[:6])
	}
	if !nameForm.MatchString(p.Name) {
		return Container{}, fmt.Errorf("%w: the name %q: use letters, digits, _ . and -", ErrPlan, p.Name)
	}
	if _, err := c.Find(ctx, p.Name); err == nil {
		return Container{}, fmt.Errorf("%w: there is a container %s already; `ctr rm %[2]s` removes it", ErrPlan, p.Name)
	}
	image, err := c.images.ImageStatus(ctx, &runtimeapi.ImageStatusRequest{Image: &runtimeapi.ImageSpec{Image: p.Image}})
	if err != nil {
		return Container{}, err
	}
	if image.GetImage() == nil {
		return Container{}, fmt.Errorf("%w: this node has no image %s; `ctr images` lists them", ErrPlan, p.Image)
	}
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return Container{}, fmt.Errorf("make room for logs: %w", err)
	}
	sandbox := p.sandbox()
	made, err := c.runtime.RunPodSandbox(ctx, &runtimeapi.RunPodSandboxRequest{Config: sandbox})
	if err != nil {
		return Container{}, err
	}
	one, err := c.startIn(ctx, made.GetPodSandboxId(), p, sandbox)
	if err != nil {
		_, undo := c.runtime.RemovePodSandbox(context.WithoutCancel(ctx), &runtimeapi.RemovePodSandboxRequest{PodSandboxId: made.GetPodSandboxId()})
		return Container{}, errors.Join(err, undo)
	}
	return one, nil
}

func (c *Client) startIn(ctx context.Context, id string, p Plan, sandbox *runtimeapi.PodSandboxConfig) (Container, error) {
	made, err := c.runtime.CreateContainer(ctx, &runtimeapi.CreateContainerRequest{PodSandboxId: id, Config: p.container(), SandboxConfig: sandbox})
	if err != nil {
		return Container{}, err
	}
	if _, err := c.runtime.StartContainer(ctx, &runtimeapi.StartContainerRequest{ContainerId: made.GetContainerId()}); err != nil {
		return Container{}, err
	}
	return c.read(ctx, made.GetContainerId(), id)
}

func (p Plan) sandbox() *runtimeapi.PodSandboxConfig {
	return &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: p.Name, Uid: "ctr-" + p.Name, Namespace: "ctr"},
		Hostname: p.Name, LogDirectory: logs, Labels: map[string]string{cri.LabelOutside: "ctr"},
		Linux: &runtimeapi.LinuxPodSandboxConfig{SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{NamespaceOptions: p.namespaces()}},
	}
}

func (p Plan) namespaces() *runtimeapi.NamespaceOption {
	o := &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_CONTAINER}
	if p.HostNetwork {
		o.Network = runtimeapi.NamespaceMode_NODE
	}
	return o
}

func (p Plan) container() *runtimeapi.ContainerConfig {
	config := &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: p.Name}, Image: &runtimeapi.ImageSpec{Image: p.Image, UserSpecifiedImage: p.Image},
		Args: p.Args, LogPath: p.Name + ".log", Labels: map[string]string{cri.LabelOutside: "ctr"},
		Linux: &runtimeapi.LinuxContainerConfig{
			Resources:       &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: p.Memory},
			SecurityContext: &runtimeapi.LinuxContainerSecurityContext{NamespaceOptions: p.namespaces(), ReadonlyRootfs: p.ReadOnly},
		},
	}
	if p.CPUs > 0 {
		config.Linux.Resources.CpuPeriod, config.Linux.Resources.CpuQuota = cpuPeriod, int64(p.CPUs*cpuPeriod)
	}
	for _, entry := range p.Env {
		key, value, _ := strings.Cut(entry, "=")
		config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: key, Value: []byte(value)})
	}
	return config
}

// Wait returns the container when it has ended. It asks the runtime once and then listens to its events.
func (c *Client) Wait(ctx context.Context, one Container) (Container, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events, err := c.runtime.GetContainerEvents(ctx, &runtimeapi.GetEventsRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return one, err
	}
	// The server answers with headers before it sends: what ends from here on is told.
	if _, err := events.Header(); err != nil {
		return one, err
	}
	for {
		if one, err = c.read(ctx, one.ID, one.sandbox); err != nil || one.State == "exited" {
			return one, err
		}
		for ended := false; !ended; {
			e, err := events.Recv()
			if err != nil {
				return one, err
			}
			ended = e.GetContainerId() == one.ID && e.GetContainerEventType() == runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT
		}
	}
}

// Exec runs a command in a container and returns its exit code.
func (c *Client) Exec(ctx context.Context, one Container, argv []string, out, errOut io.Writer) (int, error) {
	answer, err := c.runtime.ExecSync(ctx, &runtimeapi.ExecSyncRequest{ContainerId: one.ID, Cmd: argv})
	if err != nil {
		return -1, err
	}
	_, err = out.Write(answer.GetStdout())
	_, errWrite := errOut.Write(answer.GetStderr())
	return int(answer.GetExitCode()), errors.Join(err, errWrite)
}

// Stop ends a container: it is asked, and after ten seconds made to.
func (c *Client) Stop(ctx context.Context, one Container) error {
	_, err := c.runtime.StopContainer(ctx, &runtimeapi.StopContainerRequest{ContainerId: one.ID, Timeout: 10})
	return err
}

// Remove forgets a container and what it has written. One that runs is only removed by force.
func (c *Client) Remove(ctx context.Context, one Container, force bool) error {
	if one.State == "running" && !force {
		return fmt.Errorf("%w: %s is running; `ctr stop %[2]s` stops it, `ctr rm -f %[2]s` does both", ErrPlan, one.Name)
	}
	_, err := c.runtime.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: one.sandbox})
	if removed := os.Remove(one.log); removed != nil && !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

// Logs writes what a container has said. The runtime's lines are "TIME STREAM P|F TEXT" (CRI's logging format): P is a part of a line.
func (c *Client) Logs(one Container, out, errOut io.Writer) error {
	text, err := os.ReadFile(one.log)
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", one.Name, err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(line, " ", 4)
		if len(f) < 4 {
			continue
		}
		to, said := out, f[3]
		if f[1] == "stderr" {
			to = errOut
		}
		if f[2] == "P" {
			said = strings.TrimSuffix(said, "\n")
		}
		if _, err := io.WriteString(to, said); err != nil {
			return err
		}
	}
	return nil
}
