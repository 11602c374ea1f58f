package kubelet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// minimumGrace is given to every container, also with grace period 0: SIGKILL at once would be needlessly rude.
const minimumGrace = 2

// graceOf is how many seconds a container has between SIGTERM and SIGKILL.
func graceOf(pod *corev1.Pod, c *corev1.Container, reason killReason) int64 {
	switch {
	case reason == killedToRestart:
		return 0
	case pod.DeletionGracePeriodSeconds != nil:
		return *pod.DeletionGracePeriodSeconds
	case pod.Spec.TerminationGracePeriodSeconds == nil:
		return minimumGrace
	}
	var probe *corev1.Probe
	if c != nil && reason == killedByLiveness {
		probe = c.LivenessProbe
	} else if c != nil && reason == killedByStartup {
		probe = c.StartupProbe
	}
	if probe != nil && probe.TerminationGracePeriodSeconds != nil {
		return *probe.TerminationGracePeriodSeconds
	}
	return *pod.Spec.TerminationGracePeriodSeconds
}

// killContainer runs the preStop hook and stops one container; it returns when the container has ended.
func (w *worker) killContainer(ctx context.Context, pod *corev1.Pod, k kill) error {
	c, message := k.container, k.message
	spec := findContainer(pod, c.name)
	if spec == nil {
		spec = &corev1.Container{Name: c.name}
	}
	if message == "" {
		message = "Stopping container " + c.name
	}
	w.event(pod, spec, corev1.EventTypeNormal, "Killing", message)
	grace := graceOf(pod, spec, k.reason)
	w.record(pod, decision.Record{
		Action: "KillContainer", Before: "running", After: "exited", Reason: "Killing", Message: message,
		Details: map[string]string{"container": c.name, "id": c.id, "gracePeriodSeconds": fmt.Sprint(grace)},
	})
	if spec.Lifecycle != nil && spec.Lifecycle.PreStop != nil && grace > 0 {
		grace -= w.preStop(ctx, pod, spec, c, grace)
	}
	if grace > 0 {
		grace -= awaitAll(ctx, k.after, time.Duration(grace)*time.Second)
	}
	_, err := w.k.cfg.Runtime.StopContainer(ctx, &runtimeapi.StopContainerRequest{ContainerId: c.id, Timeout: max(grace, minimumGrace)})
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("stop container %s of pod %s: %w", c.name, podText(pod), err)
	}
	return nil
}

// preStop runs the hook for at most grace seconds and returns how many it took.
func (w *worker) preStop(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, c *containerView, grace int64) int64 {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(grace)*time.Second)
	defer cancel()
	err := w.runHook(ctx, hook{pod: pod, spec: spec, handler: spec.Lifecycle.PreStop, id: c.id, ip: w.podIP()})
	if err != nil && ctx.Err() == nil {
		w.event(pod, spec, corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed")
	}
	return int64(time.Since(began).Seconds())
}

// killPod stops the pod's containers, then its sandboxes.
func (w *worker) killPod(ctx context.Context, pod *corev1.Pod, view *podView) error {
	if err := w.killAll(ctx, pod, view.runningContainers()); err != nil {
		return err
	}
	for _, sandbox := range view.sandboxes {
		if sandbox.State != runtimeapi.PodSandboxState_SANDBOX_READY {
			continue
		}
		_, err := w.k.cfg.Runtime.StopPodSandbox(ctx, &runtimeapi.StopPodSandboxRequest{PodSandboxId: sandbox.Id})
		if err != nil && !isNotFound(err) {
			return fmt.Errorf("stop sandbox %s of pod %s: %w", sandbox.Id, podText(pod), err)
		}
	}
	return nil
}

// killAll stops containers side by side. Sidecars are told last (ending order): theirs is what remains of the grace period.
func (w *worker) killAll(ctx context.Context, pod *corev1.Pod, containers []*containerView) error {
	ended := map[string]chan struct{}{}
	for _, c := range containers {
		ended[c.name] = make(chan struct{})
	}
	errs := make([]error, len(containers))
	var all sync.WaitGroup
	for i, c := range containers {
		k := kill{container: c, reason: killedUnknown}
		for _, name := range endBefore(pod, c.name) {
			if first, runs := ended[name]; runs && name != c.name {
				k.after = append(k.after, first)
			}
		}
		all.Go(func() {
			defer close(ended[c.name])
			errs[i] = w.killContainer(ctx, pod, k)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// endBefore names the containers that must have ended before the named one is told to: of a sidecar all regular containers and all
// sidecars that started after it (KEP-753), of others none.
func endBefore(pod *corev1.Pod, name string) []string {
	at := slices.IndexFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == name && isSidecar(&c) })
	if at < 0 {
		return nil
	}
	var names []string
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers[at+1:]) {
		names = append(names, c.Name)
	}
	return names
}

// awaitAll waits until all are closed, for at most limit, and returns how many seconds that took.
func awaitAll(ctx context.Context, all []<-chan struct{}, limit time.Duration) int64 {
	began := time.Now()
	over := time.NewTimer(limit)
	defer over.Stop()
	for _, one := range all {
		select {
		case <-one:
		case <-over.C:
			return int64(limit.Seconds())
		case <-ctx.Done():
			return 0
		}
	}
	return int64(time.Since(began).Seconds())
}

// finish stops what a terminal pod still has. Its dead containers stay for `kubectl logs` until the pod is deleted.
func (w *worker) finish(ctx context.Context, pod *corev1.Pod, view *podView) time.Time {
	w.probes.stop()
	if w.finished {
		return time.Time{}
	}
	if err := w.killPod(ctx, pod, view); err != nil {
		return time.Now().Add(time.Second)
	}
	if err := w.mounts.tearDown(ctx); err != nil {
		return time.Now().Add(time.Second)
	}
	if len(view.runningContainers()) > 0 { // their last words belong into the status
		if view, err := readView(ctx, w.k.cfg.Runtime, pod.UID); err == nil {
			w.publish(pod, view)
		}
	}
	w.finished = true
	return time.Time{}
}

// terminate ends a deleted pod: stop everything within the grace period, write the last status, clean up, and delete the
// object for good. It reports whether there is nothing left to do.
func (w *worker) terminate(ctx context.Context, pod *corev1.Pod) bool {
	if w.deleted {
		return false // a finalizer keeps the object alive
	}
	w.probes.stopHealth()
	view, err := w.stopEverything(ctx, pod)
	if err != nil {
		return false
	}
	w.probes.stop()
	w.publishFinal(pod, view)
	if !w.status.flush(ctx) || w.cleanUp(ctx, pod, view) != nil {
		return false
	}
	zero := int64(0)
	err = w.k.cfg.Client.DeletePod(ctx, pod.Namespace, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &zero, Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return false
	}
	w.record(pod, decision.Record{Action: "DeletePod", Before: "terminating", After: "deleted", Message: "all containers have stopped"})
	w.deleted = true
	return len(pod.Finalizers) == 0
}

func (w *worker) stopEverything(ctx context.Context, pod *corev1.Pod) (*podView, error) {
	view, err := readView(ctx, w.k.cfg.Runtime, pod.UID)
	if err != nil {
		return nil, err
	}
	w.publish(pod, view)
	if err := w.killPod(ctx, pod, view); err != nil {
		return nil, err
	}
	if view, err = readView(ctx, w.k.cfg.Runtime, pod.UID); err != nil {
		return nil, err
	}
	if running := view.runningContainers(); len(running) > 0 {
		return nil, fmt.Errorf("pod %s still has %d running containers", podText(pod), len(running))
	}
	return view, nil
}

// forget ends a pod whose object has vanished (deleted with force): there is no one left to report to.
func (w *worker) forget(ctx context.Context, pod *corev1.Pod) bool {
	w.status.stop()
	view, err := readView(ctx, w.k.cfg.Runtime, pod.UID)
	if err != nil {
		return false
	}
	if err := w.killPod(ctx, pod, view); err != nil {
		return false
	}
	return w.cleanUp(ctx, pod, view) == nil
}

// cleanUp removes the pod's sandboxes with their containers, its volumes and its logs.
func (w *worker) cleanUp(ctx context.Context, pod *corev1.Pod, view *podView) error {
	for _, sandbox := range view.sandboxes {
		_, err := w.k.cfg.Runtime.RemovePodSandbox(ctx, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: sandbox.Id})
		if err != nil && !isNotFound(err) {
			return fmt.Errorf("remove sandbox %s of pod %s: %w", sandbox.Id, podText(pod), err)
		}
	}
	return w.k.removePodDirs(ctx, pod)
}
