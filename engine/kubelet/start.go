package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"drydock/engine/decision"

	"google.golang.org/grpc/codes"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// startRequest is one container to start in one sandbox.
type startRequest struct {
	pod       *corev1.Pod
	container *corev1.Container
	view      *podView
	sandboxID string
	attempt   uint32
	ips       []string
	images    map[string]*runtimeapi.ImageSpec // of its image volumes, by their names
	target    string                           // of an ephemeral container: the one whose processes it is to see, "" for none
}

// startContainer brings one container from nothing to running: back-off, image, create, start, postStart hook. Its error is a
// *startError.
func (w *worker) startContainer(ctx context.Context, r startRequest) error {
	if err := w.crashBackoff(r); err != nil {
		return err
	}
	sandbox, err := w.k.sandboxConfig(r.pod, r.attempt)
	if err != nil {
		return w.startFailed(r, errCreateContainerConfig, err)
	}
	imageRef, err := w.ensure(ctx, r, r.container, sandbox)
	if err != nil {
		return err
	}
	if r.images, err = w.ensureVolumes(ctx, r, sandbox); err != nil {
		return err
	}
	restarts := w.restartCount(r)
	config, err := w.containerConfig(ctx, r, imageRef, restarts)
	if err != nil {
		return w.startFailed(r, errCreateContainerConfig, err)
	}
	return w.createAndStart(ctx, r, config, sandbox)
}

// ensure is ensureImage that tells of a failure.
func (w *worker) ensure(ctx context.Context, r startRequest, c *corev1.Container, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	imageRef, err := w.ensureImage(ctx, r.pod, c, sandbox)
	if err != nil && ctx.Err() == nil {
		w.event(r.pod, c, corev1.EventTypeWarning, "Failed", "Error: "+reasonOf(err))
		details := map[string]string{"container": c.Name, "image": c.Image}
		w.record(r.pod, decision.Record{Action: "PullImage", Reason: reasonOf(err), Message: err.Error(), Details: details})
	}
	return imageRef, err
}

// ensureVolumes brings the images that the container mounts to the node.
func (w *worker) ensureVolumes(ctx context.Context, r startRequest, sandbox *runtimeapi.PodSandboxConfig) (map[string]*runtimeapi.ImageSpec, error) {
	images := map[string]*runtimeapi.ImageSpec{}
	for i := range r.pod.Spec.Volumes {
		v := &r.pod.Spec.Volumes[i]
		if v.Image == nil || !slices.ContainsFunc(r.container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name }) {
			continue
		}
		as := *r.container
		as.Image, as.ImagePullPolicy = v.Image.Reference, v.Image.PullPolicy
		ref, err := w.ensure(ctx, r, &as, sandbox)
		if err != nil {
			return nil, err
		}
		images[v.Name] = &runtimeapi.ImageSpec{Image: ref, UserSpecifiedImage: v.Image.Reference, Annotations: r.pod.Annotations}
	}
	return images, nil
}

func (w *worker) createAndStart(ctx context.Context, r startRequest, config *runtimeapi.ContainerConfig, sandbox *runtimeapi.PodSandboxConfig) error {
	created, err := w.k.cfg.Runtime.CreateContainer(ctx, &runtimeapi.CreateContainerRequest{
		PodSandboxId: r.sandboxID, Config: config, SandboxConfig: sandbox,
	})
	if err != nil {
		return w.startFailed(r, errCreateContainer, err)
	}
	id := created.ContainerId
	w.event(r.pod, r.container, corev1.EventTypeNormal, "Created", "Container created")
	w.record(r.pod, decision.Record{Action: "CreateContainer", After: id, Reason: "Created", Details: containerDetail(r, id)})
	if _, err := w.k.cfg.Runtime.StartContainer(ctx, &runtimeapi.StartContainerRequest{ContainerId: id}); err != nil {
		return w.startFailed(r, errRunContainer, err)
	}
	w.event(r.pod, r.container, corev1.EventTypeNormal, "Started", "Container started")
	w.record(r.pod, decision.Record{
		Action: "StartContainer", Before: "created", After: "running", Reason: "Started", Message: startCause(r), Details: containerDetail(r, id),
	})
	return w.postStart(ctx, r, id)
}

// startCause says why the container had to be started.
func startCause(r startRequest) string {
	last := r.view.container(r.container.Name)
	if last == nil {
		return "the pod has no container " + r.container.Name + " yet"
	}
	return fmt.Sprintf("the last one ended with code %d (%s)", last.exitCode, last.reason)
}

func containerDetail(r startRequest, id string) map[string]string {
	details := map[string]string{"container": r.container.Name, "image": r.container.Image}
	if id != "" {
		details["id"] = id
	}
	return details
}

// startFailed tells of an error and wraps it in the reason that the container's status will show.
func (w *worker) startFailed(r startRequest, reason, err error) error {
	message := runtimeMessage(err)
	if codeOf(err) == codes.Canceled || errors.Is(err, context.Canceled) {
		return fmt.Errorf("start container %s: %w", r.container.Name, err) // cut short by ourselves: no failure
	}
	w.event(r.pod, r.container, corev1.EventTypeWarning, "Failed", "Error: "+message)
	w.record(r.pod, decision.Record{Action: "StartContainer", Reason: reason.Error(), Message: message, Details: containerDetail(r, "")})
	failed := &startError{reason: reason, message: message}
	if reason == errCreateContainerConfig { //nolint:errorlint // a sentinel passed by our own callers
		failed.retry = time.Now().Add(2 * time.Second) // most often an object that is about to be created
	}
	return failed
}

func reasonOf(err error) string {
	if failed, ok := err.(*startError); ok { //nolint:errorlint // made by our own functions, never wrapped
		return failed.reason.Error()
	}
	return err.Error()
}

// crashBackoff holds back a container that has ended before: at once the first time, then 10 s after its end, 20 s, … 5 min.
func (w *worker) crashBackoff(r startRequest) error {
	last := r.view.lastExited(r.container.Name)
	if last == nil {
		return nil
	}
	key := r.container.Name + "/" + hashContainer(r.container)
	b := w.crashes[key]
	again := b.until(last.finished)
	if again.IsZero() {
		if b == nil {
			b = &backoff{}
			w.crashes[key] = b
		}
		b.grow(last.finished)
		return nil
	}
	w.event(r.pod, r.container, corev1.EventTypeWarning, "BackOff",
		fmt.Sprintf("Back-off restarting failed container %s in pod %s", r.container.Name, podText(r.pod)))
	message := fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", b.delay, r.container.Name, podText(r.pod))
	if old := w.reasons[r.container.Name]; old == nil || old.message != message {
		w.record(r.pod, decision.Record{Action: "BackOff", Reason: errCrashLoopBackOff.Error(), Message: message, Details: containerDetail(r, last.id)})
	}
	return &startError{reason: errCrashLoopBackOff, message: message, retry: again}
}

// restartCount is one more than the last container's, or, when the runtime has forgotten (the machine was restarted), one
// more than the newest log file's number, so that no log is overwritten.
func (w *worker) restartCount(r startRequest) int {
	if last := r.view.container(r.container.Name); last != nil {
		return last.restartCount + 1
	}
	return restartsByLogs(filepath.Join(w.k.podLogDir(r.pod), r.container.Name))
}

var restartLog = regexp.MustCompile(`^(\d+)\.log(\..*)?$`)

func restartsByLogs(dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	count := 0
	for _, entry := range entries {
		if match := restartLog.FindStringSubmatch(entry.Name()); match != nil {
			n, _ := strconv.Atoi(match[1])
			count = max(count, n+1)
		}
	}
	return count
}

// postStart runs the hook; a container whose hook fails is killed.
func (w *worker) postStart(ctx context.Context, r startRequest, id string) error {
	if r.container.Lifecycle == nil || r.container.Lifecycle.PostStart == nil {
		return nil
	}
	ip := ""
	if len(r.ips) > 0 {
		ip = r.ips[0]
	}
	err := w.runHook(ctx, hook{pod: r.pod, spec: r.container, handler: r.container.Lifecycle.PostStart, id: id, ip: ip})
	if err == nil {
		return nil
	}
	w.event(r.pod, r.container, corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed")
	kill := w.killContainer(ctx, r.pod, kill{
		container: &containerView{id: id, name: r.container.Name}, message: "FailedPostStartHook", reason: "FailedPostStartHook",
	})
	message := err.Error()
	if kill != nil {
		message += "; " + kill.Error()
	}
	return &startError{reason: errPostStartHook, message: message}
}
