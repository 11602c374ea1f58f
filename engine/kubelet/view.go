package kubelet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Labels and annotations by which sandboxes and containers are known again after the kubelet was killed. The names are
// upstream's, so that crictl shows pods as people expect.
const (
	labelPodName       = "io.kubernetes.pod.name"
	labelPodNamespace  = "io.kubernetes.pod.namespace"
	labelPodUID        = "io.kubernetes.pod.uid"
	labelContainerName = "io.kubernetes.container.name"

	annotationHash                     = "io.kubernetes.container.hash"
	annotationRestartCount             = "io.kubernetes.container.restartCount"
	annotationTerminationMessagePath   = "io.kubernetes.container.terminationMessagePath"
	annotationTerminationMessagePolicy = "io.kubernetes.container.terminationMessagePolicy"
	annotationGracePeriod              = "io.kubernetes.pod.terminationGracePeriod"
)

// podView is one pod as the runtime sees it.
type podView struct {
	sandboxes  []*runtimeapi.PodSandboxStatus // newest first
	containers []*containerView               // newest first, of all sandboxes
	ips        []string                       // of the newest sandbox, when it is ready
}

type containerView struct {
	id, name, sandboxID     string
	state                   runtimeapi.ContainerState
	created                 time.Time
	started, finished       time.Time
	exitCode                int32
	reason, message         string
	image, imageRef         string
	restartCount            int
	hash                    string
	logPath                 string
	terminationGraceSeconds int64
	resources               *runtimeapi.LinuxContainerResources // nil when the runtime does not say
}

func (c *containerView) running() bool { return c.state == runtimeapi.ContainerState_CONTAINER_RUNNING }

func (c *containerView) exited() bool { return c.state == runtimeapi.ContainerState_CONTAINER_EXITED }

// container is the newest container of that name, nil when there is none.
func (v *podView) container(name string) *containerView {
	for _, c := range v.containers {
		if c.name == name {
			return c
		}
	}
	return nil
}

// activeContainer is like container, but only looks into the newest sandbox.
func (v *podView) activeContainer(name string) *containerView {
	c := v.container(name)
	if c == nil || len(v.sandboxes) == 0 || c.sandboxID != v.sandboxes[0].Id {
		return nil
	}
	return c
}

// lastExited is the newest container of that name that has ended.
func (v *podView) lastExited(name string) *containerView {
	for _, c := range v.containers {
		if c.name == name && c.exited() {
			return c
		}
	}
	return nil
}

func (v *podView) runningContainers() []*containerView {
	var running []*containerView
	for _, c := range v.containers {
		if c.running() {
			running = append(running, c)
		}
	}
	return running
}

func (v *podView) readySandboxes() int {
	ready := 0
	for _, s := range v.sandboxes {
		if s.State == runtimeapi.PodSandboxState_SANDBOX_READY {
			ready++
		}
	}
	return ready
}

// readView asks the runtime about one pod.
func readView(ctx context.Context, service runtimeapi.RuntimeServiceClient, uid types.UID) (*podView, error) {
	selector := map[string]string{labelPodUID: string(uid)}
	sandboxes, err := service.ListPodSandbox(ctx, &runtimeapi.ListPodSandboxRequest{Filter: &runtimeapi.PodSandboxFilter{LabelSelector: selector}})
	if err != nil {
		return nil, fmt.Errorf("list sandboxes of pod %s: %w", uid, err)
	}
	view := &podView{}
	for _, item := range sandboxes.Items {
		answer, err := service.PodSandboxStatus(ctx, &runtimeapi.PodSandboxStatusRequest{PodSandboxId: item.Id})
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read sandbox %s: %w", item.Id, err)
		}
		view.sandboxes = append(view.sandboxes, answer.Status)
	}
	slices.SortFunc(view.sandboxes, func(a, b *runtimeapi.PodSandboxStatus) int { return cmp.Compare(b.CreatedAt, a.CreatedAt) })
	if len(view.sandboxes) > 0 && view.sandboxes[0].State == runtimeapi.PodSandboxState_SANDBOX_READY {
		view.ips = sandboxIPs(view.sandboxes[0])
	}
	return view, readContainers(ctx, service, view, selector)
}

func readContainers(ctx context.Context, service runtimeapi.RuntimeServiceClient, view *podView, selector map[string]string) error {
	containers, err := service.ListContainers(ctx, &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{LabelSelector: selector}})
	if err != nil {
		return fmt.Errorf("list containers of pod %s: %w", selector[labelPodUID], err)
	}
	for _, item := range containers.Containers {
		answer, err := service.ContainerStatus(ctx, &runtimeapi.ContainerStatusRequest{ContainerId: item.Id})
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read container %s: %w", item.Id, err)
		}
		view.containers = append(view.containers, newContainerView(item.PodSandboxId, answer.Status))
	}
	slices.SortFunc(view.containers, func(a, b *containerView) int { return b.created.Compare(a.created) })
	return nil
}

func sandboxIPs(s *runtimeapi.PodSandboxStatus) []string {
	if s.GetNetwork().GetIp() == "" {
		return nil
	}
	ips := []string{s.Network.Ip}
	for _, more := range s.Network.AdditionalIps {
		ips = append(ips, more.Ip)
	}
	return ips
}

func newContainerView(sandboxID string, s *runtimeapi.ContainerStatus) *containerView {
	restarts, _ := strconv.Atoi(s.Annotations[annotationRestartCount])
	grace, err := strconv.ParseInt(s.Annotations[annotationGracePeriod], 10, 64)
	if err != nil {
		grace = corev1.DefaultTerminationGracePeriodSeconds
	}
	c := &containerView{
		id: s.Id, name: s.Labels[labelContainerName], sandboxID: sandboxID, state: s.State,
		created: time.Unix(0, s.CreatedAt), restartCount: restarts, hash: s.Annotations[annotationHash],
		image: s.GetImage().GetImage(), imageRef: s.ImageRef, logPath: s.LogPath, terminationGraceSeconds: grace,
	}
	c.resources = s.GetResources().GetLinux()
	if named := s.GetImage().GetUserSpecifiedImage(); named != "" {
		c.image = named
	}
	if s.State != runtimeapi.ContainerState_CONTAINER_CREATED {
		c.started = time.Unix(0, s.StartedAt)
	}
	if s.State == runtimeapi.ContainerState_CONTAINER_EXITED {
		c.finished, c.exitCode, c.reason = time.Unix(0, s.FinishedAt), s.ExitCode, s.Reason
		c.message = terminationMessage(s)
	}
	return c
}

func isNotFound(err error) bool { return grpcstatus.Code(err) == codes.NotFound }

// runtimeMessage is an error of the runtime without gRPC's wrapping, for people.
func runtimeMessage(err error) string {
	if s, ok := grpcstatus.FromError(err); ok {
		return s.Message()
	}
	return err.Error()
}

func codeOf(err error) codes.Code { return grpcstatus.Code(err) }
