package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"drydock/engine/decision"
	"drydock/engine/listwatch"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// maxRuntimeMessage allows lists of many containers in one answer.
const maxRuntimeMessage = 16 << 20

// Dial prepares a connection to a container runtime on a unix socket; it is made when first used, and made again when the
// runtime has been restarted. The caller closes it.
func Dial(socket string) (io.Closer, runtimeapi.RuntimeServiceClient, runtimeapi.ImageServiceClient, error) {
	conn, err := grpc.NewClient("unix://"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		// A runtime that is a moment late must not cost the node gRPC's usual second.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: grpcbackoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}, MinConnectTimeout: time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxRuntimeMessage), grpc.WaitForReady(true)))
	if err != nil {
		return nil, nil, nil, fmt.Errorf("connect to the container runtime at %s: %w", socket, err)
	}
	return conn, runtimeapi.NewRuntimeServiceClient(conn), runtimeapi.NewImageServiceClient(conn), nil
}

// followRuntime wakes the worker of each pod that the runtime reports an event of: the PLEG, driven by events (KEP-3386)
// instead of a list every second.
func (k *Kubelet) followRuntime(ctx context.Context) error {
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		stream, err := k.cfg.Runtime.GetContainerEvents(ctx, &runtimeapi.GetEventsRequest{})
		if err == nil {
			// What happened before we listened is not told: look at every pod once.
			k.pokeAll()
			if k.drainEvents(stream) {
				delay = firstRetry
			}
		}
		if !listwatch.Wait(ctx, delay) {
			return ctx.Err()
		}
	}
}

// drainEvents reads until the stream breaks, and reports whether anything came.
func (k *Kubelet) drainEvents(stream grpc.ServerStreamingClient[runtimeapi.ContainerEventResponse]) bool {
	for any := false; ; any = true {
		event, err := stream.Recv()
		if err != nil {
			return any
		}
		uid := types.UID(event.GetPodSandboxStatus().GetMetadata().GetUid())
		k.logs.wakeAll()
		if w := k.worker(uid); w != nil {
			w.poke()
		}
	}
}

// removeOrphans ends sandboxes that belong to no pod: their pods were deleted while no kubelet ran.
func (k *Kubelet) removeOrphans(ctx context.Context) {
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		if err := k.removeOrphansOnce(ctx); err == nil || !listwatch.Wait(ctx, delay) {
			return
		}
	}
}

func (k *Kubelet) removeOrphansOnce(ctx context.Context) error {
	list, err := k.cfg.Runtime.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{})
	if err != nil {
		return fmt.Errorf("list sandboxes: %w", err)
	}
	var failures []error
	for _, sandbox := range list.Items {
		uid := types.UID(sandbox.GetMetadata().GetUid())
		if k.worker(uid) == nil {
			failures = append(failures, k.removeOrphan(ctx, sandbox))
		}
	}
	if len(failures) == 0 {
		failures = append(failures, k.removeOrphanDirs(ctx))
	}
	return errors.Join(failures...)
}

// removeOrphanDirs removes what pods have left that are gone and whose sandboxes are gone too: the node lost its power under them.
func (k *Kubelet) removeOrphanDirs(ctx context.Context) error {
	dirs, err := filepath.Glob(filepath.Join(k.cfg.RootDir, "pods", "*"))
	if err != nil {
		return err
	}
	var failures []error
	for _, dir := range dirs {
		if k.worker(types.UID(filepath.Base(dir))) != nil {
			continue
		}
		if err := k.unmountAll(ctx, dir); err != nil {
			failures = append(failures, fmt.Errorf("unmount what is left of pod %s: %w", filepath.Base(dir), err))
			continue
		}
		failures = append(failures, os.RemoveAll(dir))
	}
	return errors.Join(failures...)
}

func (k *Kubelet) removeOrphan(ctx context.Context, sandbox *runtimeapi.PodSandbox) error {
	k.cfg.Recorder.Record(decision.Record{
		Actor: "kubelet/" + k.cfg.NodeName, Action: "RemoveOrphan", Before: sandbox.Id, Message: "no pod of this node owns the sandbox",
		Object: decision.Object{
			Resource: "pods", Namespace: sandbox.Metadata.Namespace, Name: sandbox.Metadata.Name, UID: sandbox.Metadata.Uid,
		},
	})
	containers, err := k.cfg.Runtime.ListContainers(ctx, &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{PodSandboxId: sandbox.Id}})
	if err != nil {
		return fmt.Errorf("list containers of orphan %s: %w", sandbox.Id, err)
	}
	for _, c := range containers.Containers {
		// Kubernetes: orphans get one second as well, their pod is gone and with it its grace period.
		if _, err := k.cfg.Runtime.StopContainer(ctx, &runtimeapi.StopContainerRequest{ContainerId: c.Id, Timeout: 1}); err != nil && !isNotFound(err) {
			return fmt.Errorf("stop container %s of orphan %s: %w", c.Id, sandbox.Id, err)
		}
	}
	if _, err := k.cfg.Runtime.StopPodSandbox(ctx, &runtimeapi.StopPodSandboxRequest{PodSandboxId: sandbox.Id}); err != nil && !isNotFound(err) {
		return fmt.Errorf("stop orphan %s: %w", sandbox.Id, err)
	}
	if _, err := k.cfg.Runtime.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: sandbox.Id}); err != nil && !isNotFound(err) {
		return fmt.Errorf("remove orphan %s: %w", sandbox.Id, err)
	}
	return nil
}
