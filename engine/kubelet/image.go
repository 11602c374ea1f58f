package kubelet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/engine/decision"
)

// The reasons for which a container waits. Their texts are the words in status.containerStatuses[].state.waiting.reason.
var (
	errImagePull             = errors.New("ErrImagePull")
	errImagePullBackOff      = errors.New("ImagePullBackOff")
	errImageInspect          = errors.New("ImageInspectError")
	errImageNeverPull        = errors.New("ErrImageNeverPull")
	errInvalidImageName      = errors.New("InvalidImageName")
	errRegistryUnavailable   = errors.New("RegistryUnavailable")
	errSignatureValidation   = errors.New("SignatureValidationFailed")
	errCreateContainerConfig = errors.New("CreateContainerConfigError")
	errCreateContainer       = errors.New("CreateContainerError")
	errRunContainer          = errors.New("RunContainerError")
	errPostStartHook         = errors.New("PostStartHookError")
	errCrashLoopBackOff      = errors.New("CrashLoopBackOff")
)

// startError is why a container does not run: reason is one of the errors above, message is for people, retry is when to
// try again (zero: when something changes, or after the usual pause).
type startError struct {
	reason  error
	message string
	retry   time.Time
}

func (e *startError) Error() string { return e.reason.Error() + ": " + e.message }
func (e *startError) Unwrap() error { return e.reason }

// imagePull remembers the failures to pull one image for one pod.
type imagePull struct {
	backoff
	last string // the previous failure, shown while backing off
}

// ensureImage makes sure that the container's image is on the node and returns the runtime's reference to it.
func (w *worker) ensureImage(ctx context.Context, pod *corev1.Pod, c *corev1.Container, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	image := c.Image
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		message := fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: %v", image, image, err)
		w.event(pod, c, corev1.EventTypeWarning, "InspectFailed", message)
		return "", &startError{reason: errInvalidImageName, message: message}
	}
	spec := &runtimeapi.ImageSpec{Image: withDefaultTag(image), Annotations: pod.Annotations}
	if c.ImagePullPolicy != corev1.PullAlways {
		ref, err := w.presentImage(ctx, pod, c, spec)
		if ref != "" || err != nil {
			return ref, err
		}
	}
	return w.pullImage(ctx, pod, c, spec, sandbox)
}

// presentImage returns "" when the image must be pulled.
func (w *worker) presentImage(ctx context.Context, pod *corev1.Pod, c *corev1.Container, spec *runtimeapi.ImageSpec) (string, error) {
	answer, err := w.k.cfg.Images.ImageStatus(ctx, &runtimeapi.ImageStatusRequest{Image: spec})
	if ctx.Err() != nil {
		return "", fmt.Errorf("inspect image %s: %w", c.Image, ctx.Err())
	}
	if err != nil {
		message := fmt.Sprintf("Failed to inspect image %q: %v", "", err)
		w.event(pod, c, corev1.EventTypeWarning, "InspectFailed", message)
		return "", &startError{reason: errImageInspect, message: message}
	}
	if id := answer.GetImage().GetId(); id != "" {
		w.event(pod, c, corev1.EventTypeNormal, "Pulled",
			fmt.Sprintf("Container image %q already present on machine and can be accessed by the pod", c.Image))
		return id, nil
	}
	if c.ImagePullPolicy != corev1.PullNever {
		return "", nil
	}
	message := fmt.Sprintf("Container image %q is not present with pull policy of Never", c.Image)
	w.event(pod, c, corev1.EventTypeWarning, "ErrImageNeverPull", message)
	return "", &startError{reason: errImageNeverPull, message: message}
}

func (w *worker) pullImage(ctx context.Context, pod *corev1.Pod, c *corev1.Container, spec *runtimeapi.ImageSpec, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	pull := w.pulls[c.Image]
	if pull == nil {
		pull = &imagePull{}
		w.pulls[c.Image] = pull
	}
	if again := pull.until(pull.updated); !again.IsZero() {
		message := fmt.Sprintf("Back-off pulling image %q", c.Image)
		w.event(pod, c, corev1.EventTypeNormal, "BackOff", message)
		return "", &startError{reason: errImagePullBackOff, message: message + ": " + pull.last, retry: again}
	}
	w.event(pod, c, corev1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.Image))
	w.showSandbox(ctx, pod)
	began := time.Now()
	answer, err := w.k.cfg.Images.PullImage(ctx, &runtimeapi.PullImageRequest{Image: spec, SandboxConfig: sandbox})
	if ctx.Err() != nil {
		return "", fmt.Errorf("pull image %s: %w", c.Image, ctx.Err()) // cut short by ourselves: no failure
	}
	if err != nil {
		return "", w.pullFailed(pod, c, pull, err)
	}
	took := time.Since(began).Truncate(time.Millisecond)
	var size uint64
	if status, err := w.k.cfg.Images.ImageStatus(ctx, &runtimeapi.ImageStatusRequest{Image: spec}); err == nil {
		size = status.GetImage().GetSize()
	}
	w.event(pod, c, corev1.EventTypeNormal, "Pulled",
		fmt.Sprintf("Successfully pulled image %q in %v (%v including waiting). Image size: %v bytes.", c.Image, took, took, size))
	w.record(pod, decision.Record{
		Action: "PullImage", Before: "absent", After: answer.ImageRef, Reason: "Pulled",
		Details: map[string]string{"container": c.Name, "image": c.Image, "took": took.String()},
	})
	return answer.ImageRef, nil
}

// showSandbox publishes that the sandbox is ready and what address it has, before something that may take long.
func (w *worker) showSandbox(ctx context.Context, pod *corev1.Pod) {
	if view, err := readView(ctx, w.k.cfg.Runtime, pod.UID); err == nil {
		w.publish(pod, view)
	}
}

func (w *worker) pullFailed(pod *corev1.Pod, c *corev1.Container, pull *imagePull, err error) error {
	text := fmt.Sprintf("rpc error: code = %s desc = %s", codeOf(err), runtimeMessage(err))
	w.event(pod, c, corev1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %s", c.Image, text))
	pull.grow(time.Now())
	reason, message := errImagePull, text
	for sentinel, what := range map[error]string{
		errRegistryUnavailable: "the registry is unavailable",
		errSignatureValidation: "the signature validation failed",
	} {
		if rest, found := strings.CutPrefix(runtimeMessage(err), sentinel.Error()); found {
			reason, message = sentinel, fmt.Sprintf("image pull failed for %s because %s%s", c.Image, what, rest)
		}
	}
	pull.last = fmt.Sprintf("%s: %s", reason, message)
	// A moment later the container shows ImagePullBackOff; the pull itself waits for the back-off to end.
	return &startError{reason: reason, message: message, retry: time.Now().Add(time.Second)}
}

// withDefaultTag adds ":latest" to an image name without tag or digest.
func withDefaultTag(image string) string {
	last := image[strings.LastIndexByte(image, '/')+1:]
	if strings.ContainsAny(last, ":@") {
		return image
	}
	return image + ":latest"
}
