package kubelet

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

type hookTarget struct{ id, ip string }

// runHook runs a lifecycle handler and waits for it.
func (w *worker) runHook(ctx context.Context, spec *corev1.Container, hook *corev1.LifecycleHandler, target hookTarget) error {
	switch {
	case hook.Exec != nil:
		answer, err := w.k.cfg.Runtime.ExecSync(ctx, &runtimeapi.ExecSyncRequest{ContainerId: target.id, Cmd: hook.Exec.Command})
		if err != nil {
			return fmt.Errorf("run hook in container %s: %w", spec.Name, err)
		}
		if answer.ExitCode != 0 {
			return fmt.Errorf("command '%v' exited with %d: %s", hook.Exec.Command, answer.ExitCode, answer.Stderr)
		}
	case hook.HTTPGet != nil:
		request, err := httpRequest(ctx, hook.HTTPGet, spec, target.ip)
		if err != nil {
			return fmt.Errorf("build hook request of container %s: %w", spec.Name, err)
		}
		answer, err := (&http.Client{Timeout: time.Minute}).Do(request)
		if err != nil {
			return fmt.Errorf("call hook of container %s: %w", spec.Name, err)
		}
		answer.Body.Close()
	case hook.Sleep != nil:
		listwatch.Wait(ctx, time.Duration(hook.Sleep.Seconds)*time.Second)
	}
	return nil
}
