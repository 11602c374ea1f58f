package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// hook is one lifecycle handler of one running container.
type hook struct {
	pod     *corev1.Pod
	spec    *corev1.Container
	handler *corev1.LifecycleHandler
	id, ip  string // of the container, of the pod
}

// runHook runs h and waits for it. Its error is what `kubectl describe` shows of a container that was not allowed to run.
func (w *worker) runHook(ctx context.Context, h hook) error {
	switch {
	case h.handler.Exec != nil:
		if output, err := w.execHook(ctx, h); err != nil {
			return fmt.Errorf("%w, message: %q", h.failed("Exec", h.handler.Exec.Command, err), output)
		}
	case h.handler.HTTPGet != nil:
		if err := w.httpHook(ctx, h); err != nil {
			return h.failed("HTTP", h.handler.HTTPGet.Path, err)
		}
	case h.handler.Sleep != nil:
		if !listwatch.Wait(ctx, time.Duration(h.handler.Sleep.Seconds)*time.Second) {
			return h.failed("Sleep", h.handler.Sleep.Seconds, errors.New("container terminated before sleep hook finished"))
		}
	}
	return nil
}

// failed says in upstream's words which hook of what failed, and why.
func (h *hook) failed(kind string, what any, err error) error {
	return fmt.Errorf("%s lifecycle hook (%v) for Container %q in Pod %q failed - error: %w", kind, what, h.spec.Name, podText(h.pod), err)
}

func (w *worker) execHook(ctx context.Context, h hook) (output string, err error) {
	command := h.handler.Exec.Command
	answer, err := w.k.cfg.Runtime.ExecSync(ctx, &runtimeapi.ExecSyncRequest{ContainerId: h.id, Cmd: command})
	if err != nil {
		return "", err
	}
	if answer.ExitCode != 0 {
		err = fmt.Errorf("command '%s' exited with %d: %s", strings.Join(command, " "), answer.ExitCode, answer.Stderr)
	}
	return string(answer.Stdout) + string(answer.Stderr), err
}

// httpHook calls a server. That it answers is enough, whatever it says. One that was to speak HTTPS and speaks HTTP is asked again in
// its own language, as it always was.
func (w *worker) httpHook(ctx context.Context, h hook) error {
	if h.ip == "" && h.handler.HTTPGet.Host == "" {
		return errors.New("failed to find networking container")
	}
	request, err := httpRequest(ctx, h.handler.HTTPGet, httpTarget{spec: h.spec, ip: h.ip, agent: hookAgent})
	if err != nil {
		return err
	}
	err = callHook(request)
	if err == nil || !strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return err
	}
	again := request.Clone(ctx)
	again.URL.Scheme = "http"
	again.Header.Del("Authorization") // it was meant for a line that nobody else can read
	if callHook(again) != nil {
		return err
	}
	w.event(h.pod, nil, corev1.EventTypeWarning, "LifecycleHTTPFallback",
		fmt.Sprintf("request to HTTPS lifecycle hook %s got HTTP response, retry with HTTP succeeded", again.URL.Host))
	return nil
}

func callHook(request *http.Request) error {
	answer, err := insecureClient(0).Do(request) // only ctx ends it: a hook may take as long as the container has
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxProbeBody)) // nobody asks what it said
	return nil
}
