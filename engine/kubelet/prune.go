package kubelet

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// prune removes what a pod that lives on does not need any more: of each container name all ended ones but the newest, whose
// log `kubectl logs --previous` shows, and sandboxes that have been replaced and hold nothing. Without it a
// crash loop would fill the disk.
//
// Kubernetes: container garbage collection once a minute, with the same limit of one dead container per name.
func (w *worker) prune(ctx context.Context, pod *corev1.Pod, view *podView) error {
	seen := map[string]bool{}
	held := map[string]bool{} // sandboxes that still have containers
	var failures []error
	for _, c := range view.containers {
		if !c.exited() || !seen[c.name] {
			seen[c.name] = seen[c.name] || c.exited()
			held[c.sandboxID] = true
			continue
		}
		failures = append(failures, w.removeContainer(ctx, pod, c))
	}
	for i, sandbox := range view.sandboxes {
		if i == 0 || held[sandbox.Id] || sandbox.State == runtimeapi.PodSandboxState_SANDBOX_READY {
			continue
		}
		_, err := w.k.cfg.Runtime.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: sandbox.Id})
		if err != nil && !isNotFound(err) {
			failures = append(failures, fmt.Errorf("remove old sandbox %s of pod %s: %w", sandbox.Id, podText(pod), err))
		}
	}
	return errors.Join(failures...)
}

func (w *worker) removeContainer(ctx context.Context, pod *corev1.Pod, c *containerView) error {
	_, err := w.k.cfg.Runtime.RemoveContainer(ctx, &runtimeapi.RemoveContainerRequest{ContainerId: c.id})
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("remove old container %s of pod %s: %w", c.name, podText(pod), err)
	}
	if err := removeLogs(c.logPath); err != nil {
		return fmt.Errorf("remove old log of container %s of pod %s: %w", c.name, podText(pod), err)
	}
	return nil
}
