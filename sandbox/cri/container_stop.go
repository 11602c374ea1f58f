package cri

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/container"
)

// StopContainer implements RuntimeService: it asks with the image's stop signal, waits for the given seconds, and kills.
// It returns when the container has ended. Stopping what has ended, or is gone, is fine.
func (s *Server) StopContainer(ctx context.Context, req *runtimeapi.StopContainerRequest) (*runtimeapi.StopContainerResponse, error) {
	c, err := s.container(req.GetContainerId())
	if isNotFound(err) {
		return &runtimeapi.StopContainerResponse{}, nil
	}
	if err == nil {
		err = s.stop(ctx, c, time.Duration(req.GetTimeout())*time.Second)
	}
	if err != nil {
		return nil, fmt.Errorf("stop container %s: %w", req.GetContainerId(), err)
	}
	return &runtimeapi.StopContainerResponse{}, nil
}

func (s *Server) stop(ctx context.Context, c *ctr, grace time.Duration) error {
	process := c.running()
	if process == nil {
		return nil
	}
	if grace > 0 {
		if err := process.Signal(c.stopSignal); err != nil && !errors.Is(err, container.ErrNotRunning) {
			return err
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-c.stopped:
			return nil
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := process.Kill(); err != nil && !errors.Is(err, container.ErrNotRunning) {
		return err
	}
	select {
	case <-c.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RemoveContainer implements RuntimeService: a container that runs is killed; one that is gone is fine. Its log stays.
func (s *Server) RemoveContainer(ctx context.Context, req *runtimeapi.RemoveContainerRequest) (*runtimeapi.RemoveContainerResponse, error) {
	c, err := s.container(req.GetContainerId())
	if isNotFound(err) {
		return &runtimeapi.RemoveContainerResponse{}, nil
	}
	if err == nil {
		err = s.remove(ctx, c)
	}
	if err != nil {
		return nil, fmt.Errorf("remove container %s: %w", req.GetContainerId(), err)
	}
	return &runtimeapi.RemoveContainerResponse{}, nil
}

func (s *Server) remove(ctx context.Context, c *ctr) error {
	if err := s.stop(ctx, c, 0); err != nil {
		return err
	}
	if err := c.beginRemove(); err != nil {
		return err
	}
	layers := s.cfg.Images.Layers()
	var err error
	if !c.past {
		err = errors.Join(c.streams.close(), c.releaseGroup(), layers.Unmount(c.rootfs()), s.unmountImages(c))
	}
	if err == nil {
		err = errors.Join(os.RemoveAll(c.dir), layers.Remove(ctx, c.id), s.removeImages(ctx, c), c.forget())
	}
	if err != nil {
		c.mu.Lock()
		c.removing = false
		c.mu.Unlock()
		return err
	}
	s.mu.Lock()
	delete(s.containers, c.id)
	s.mu.Unlock()
	s.release(c.name)
	s.tell(c.pod, c.id, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	return nil
}

func (c *ctr) beginRemove() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.starting || c.removing {
		return status.Errorf(codes.FailedPrecondition, "container %s is being started or removed", c.id)
	}
	c.removing = true
	return nil
}
