package ctr

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cri"
	"drydock/sandbox/image"
)

// ErrNotFound is the error of a name that no container has.
var ErrNotFound = errors.New("no such container")

// outside selects what was run by hand.
var outside = map[string]string{cri.LabelOutside: "ctr"}

// Client talks to one node's runtime.
type Client struct {
	conn    *grpc.ClientConn
	runtime runtimeapi.RuntimeServiceClient
	images  runtimeapi.ImageServiceClient
}

// Dial connects to the runtime's socket; the connection is made at the first call.
func Dial(socket string) (*Client, error) {
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to the container runtime at %s: %w", socket, err)
	}
	return &Client{conn, runtimeapi.NewRuntimeServiceClient(conn), runtimeapi.NewImageServiceClient(conn)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Container is one container, as inspect prints it.
type Container struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Image    string   `json:"image"`
	Command  []string `json:"command"`
	State    string   `json:"state"` // created, running or exited
	ExitCode int32    `json:"exitCode"`
	PID      int      `json:"pid,omitempty"`
	Address  string   `json:"address,omitempty"`
	Created  int64    `json:"created"`          // nanoseconds since 1970
	Layers   int      `json:"layers,omitempty"` // read-only ones below it
	Limits   Limits   `json:"limits"`
	Diff     []Change `json:"diff"`

	sandbox, log, rootfs string
}

// Limits are what the runtime was asked to hold a container to; 0 is no limit.
type Limits struct {
	Memory int64   `json:"memory"` // bytes
	CPUs   float64 `json:"cpus"`
}

// List returns the containers, the newest first.
func (c *Client) List(ctx context.Context) ([]Container, error) {
	answer, err := c.runtime.ListContainers(ctx, &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{LabelSelector: outside}})
	if err != nil {
		return nil, err
	}
	var out []Container
	for _, item := range answer.GetContainers() {
		one, err := c.read(ctx, item.GetId(), item.GetPodSandboxId())
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// Find returns the container of a name, or of the beginning of an id.
func (c *Client) Find(ctx context.Context, name string) (Container, error) {
	all, err := c.List(ctx)
	if err != nil {
		return Container{}, err
	}
	for _, one := range all {
		if one.Name == name || len(name) >= 4 && strings.HasPrefix(one.ID, name) {
			return one, nil
		}
	}
	return Container{}, fmt.Errorf("%w: %s", ErrNotFound, name)
}

// Inspect is Find with what the container has changed.
func (c *Client) Inspect(ctx context.Context, name string) (Container, error) {
	one, err := c.Find(ctx, name)
	if err == nil {
		err = one.look()
	}
	return one, err
}

// read asks for one container.
func (c *Client) read(ctx context.Context, id, sandbox string) (Container, error) {
	answer, err := c.runtime.ContainerStatus(ctx, &runtimeapi.ContainerStatusRequest{ContainerId: id, Verbose: true})
	if err != nil {
		return Container{}, err
	}
	around, err := c.runtime.PodSandboxStatus(ctx, &runtimeapi.PodSandboxStatusRequest{PodSandboxId: sandbox})
	if err != nil {
		return Container{}, err
	}
	s := answer.GetStatus()
	var info struct {
		PID         int    `json:"pid"`
		Rootfs      string `json:"rootfs"`
		RuntimeSpec struct {
			Process struct {
				Args []string `json:"args"`
			} `json:"process"`
		} `json:"runtimeSpec"`
	}
	if err := json.Unmarshal([]byte(answer.GetInfo()["info"]), &info); err != nil {
		return Container{}, fmt.Errorf("read what the runtime says of %s: %w", s.GetMetadata().GetName(), err)
	}
	limits := s.GetResources().GetLinux()
	one := Container{
		ID: s.GetId(), Name: s.GetMetadata().GetName(), Image: image.Familiar(s.GetImage().GetImage()), Command: info.RuntimeSpec.Process.Args,
		State: strings.ToLower(strings.TrimPrefix(s.GetState().String(), "CONTAINER_")), ExitCode: s.GetExitCode(), PID: info.PID,
		Address: around.GetStatus().GetNetwork().GetIp(), Created: s.GetCreatedAt(), Diff: []Change{},
		Limits:  Limits{Memory: limits.GetMemoryLimitInBytes()},
		sandbox: sandbox, log: s.GetLogPath(), rootfs: info.Rootfs,
	}
	if period := limits.GetCpuPeriod(); period > 0 && limits.GetCpuQuota() > 0 {
		one.Limits.CPUs = float64(limits.GetCpuQuota()) / float64(period)
	}
	return one, nil
}

// Image is one image of the node.
type Image struct {
	Names []string
	ID    string
	Size  uint64
}

// Images lists the node's images by name.
func (c *Client) Images(ctx context.Context) ([]Image, error) {
	answer, err := c.images.ListImages(ctx, &runtimeapi.ListImagesRequest{})
	if err != nil {
		return nil, err
	}
	var out []Image
	for _, i := range answer.GetImages() {
		out = append(out, Image{Names: append(i.GetRepoTags(), i.GetRepoDigests()...), ID: i.GetId(), Size: i.GetSize()})
	}
	slices.SortFunc(out, func(a, b Image) int { return cmp.Compare(strings.Join(a.Names, " "), strings.Join(b.Names, " ")) })
	return out, nil
}
