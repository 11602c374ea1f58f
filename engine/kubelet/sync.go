package kubelet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// sync brings a living pod one step further and says when to look again; zero is "when something happens".
func (w *worker) sync(ctx context.Context, pod *corev1.Pod) time.Time {
	view, err := readView(ctx, w.k.cfg.Runtime, pod.UID)
	if err != nil {
		return time.Now().Add(time.Second) // the runtime is down: nothing is known, so nothing is claimed
	}
	if !w.admit(ctx, pod, view) {
		return w.finish(ctx, pod, view)
	}
	pod = w.granted(pod)
	status := w.publish(pod, view)
	if terminal(status.Phase) {
		return w.finish(ctx, pod, view)
	}
	again := deadline(pod, status)
	if !again.IsZero() && !time.Now().Before(again) {
		w.fail(pod, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
		return w.finish(ctx, pod, view)
	}
	again = sooner(again, w.prepareAndDo(ctx, pod, view))
	if ctx.Err() != nil {
		return time.Now() // interrupted: look at the newer version at once
	}
	if view, err = readView(ctx, w.k.cfg.Runtime, pod.UID); err != nil {
		return time.Now().Add(time.Second)
	}
	w.noteResized(pod, view)
	if w.resize.pending != nil {
		again = sooner(again, time.Now().Add(retryPause)) // another pod may have made room
	}
	if terminal(w.publish(pod, view).Phase) {
		return w.finish(ctx, pod, view)
	}
	if w.prune(ctx, pod, view) != nil {
		return sooner(again, time.Now().Add(retryPause)) // nothing depends on it but disk space
	}
	return again
}

// prepareAndDo sets up directories and volumes, then does what decide wants.
func (w *worker) prepareAndDo(ctx context.Context, pod *corev1.Pod, view *podView) time.Time {
	ready, err := w.mounts.setUp(ctx, pod)
	if err != nil && ctx.Err() == nil {
		for _, failure := range unjoin(err) {
			w.event(pod, nil, corev1.EventTypeWarning, "FailedMount", failure.Error())
		}
		w.record(pod, decision.Record{Action: "MountVolumes", Reason: "FailedMount", Message: err.Error()})
	}
	if !ready {
		return w.mounts.retryAt
	}
	a := decide(pod, view, w.probes)
	again, err := w.do(ctx, pod, view, &a)
	if err == nil {
		w.failures = 0
		return again
	}
	w.failures++
	return sooner(again, time.Now().Add(min(time.Second<<min(w.failures-1, 4), retryPause)))
}

func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func deadline(pod *corev1.Pod, status *corev1.PodStatus) time.Time {
	if pod.Spec.ActiveDeadlineSeconds == nil || status.StartTime == nil {
		return time.Time{}
	}
	return status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second)
}

// do carries out a. The time is that of the earliest back-off to run out.
func (w *worker) do(ctx context.Context, pod *corev1.Pod, view *podView, a *actions) (time.Time, error) {
	if a.killPod {
		if a.createSandbox && a.sandboxID != "" {
			w.event(pod, nil, corev1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
		}
		if err := w.killPod(ctx, pod, view); err != nil {
			return time.Time{}, err
		}
		if !a.createSandbox {
			return time.Time{}, nil
		}
	}
	if len(a.toReset) > 0 {
		return time.Now(), w.reset(ctx, pod, a.toReset)
	}
	for i := range a.toKill {
		k := &a.toKill[i]
		if err := w.killContainer(ctx, pod, *k); err != nil {
			return time.Time{}, err
		}
	}
	if err := w.carryOutResize(ctx, pod, a); err != nil {
		return time.Time{}, err
	}
	ips := view.ips
	if a.createSandbox {
		var err error
		if a.sandboxID, ips, err = w.runSandbox(ctx, pod, a); err != nil {
			return time.Time{}, err
		}
	}
	if pod.Spec.HostNetwork { // the runtime gave it no address: the node's is its own
		ips = []string{w.k.cfg.NodeIP}
	}
	return w.startContainers(ctx, pod, view, a, ips), nil
}

// startContainers starts what is due, in upstream's order. One container's failure does not keep the others from starting, but
// initialisation stops at the first ordinary init container that cannot start.
func (w *worker) startContainers(ctx context.Context, pod *corev1.Pod, view *podView, a *actions, ips []string) time.Time {
	var again time.Time
	start := func(c *corev1.Container, target string) error {
		err := w.startContainer(ctx, startRequest{
			pod: pod, container: c, view: view, sandboxID: a.sandboxID, attempt: a.attempt, ips: ips, target: target,
		})
		if err == nil {
			delete(w.reasons, c.Name)
			return nil
		}
		var why *startError
		if ctx.Err() != nil {
			return err
		}
		if !errors.As(err, &why) {
			again = sooner(again, time.Now().Add(time.Second))
			return err
		}
		w.reasons[c.Name] = why
		retry := why.retry
		if retry.IsZero() {
			retry = time.Now().Add(retryPause)
		}
		again = sooner(again, retry)
		return err
	}
	for _, i := range a.ephemeralToStart {
		c := corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		_ = start(&c, pod.Spec.EphemeralContainers[i].TargetContainerName) // remembered in w.reasons
	}
	for _, i := range a.initToStart {
		c := &pod.Spec.InitContainers[i]
		if start(c, "") != nil && !isSidecar(c) {
			return again
		}
	}
	for _, i := range a.toStart {
		_ = start(&pod.Spec.Containers[i], "") // remembered in w.reasons
	}
	return again
}

// runSandbox makes the pod's namespaces and network.
func (w *worker) runSandbox(ctx context.Context, pod *corev1.Pod, a *actions) (id string, ips []string, err error) {
	config, err := w.k.sandboxConfig(pod, a.attempt)
	text := fmt.Sprint(err)
	if err == nil {
		var answer *runtimeapi.RunPodSandboxResponse
		answer, err = w.k.cfg.Runtime.RunPodSandbox(ctx, &runtimeapi.RunPodSandboxRequest{Config: config})
		id, text = answer.GetPodSandboxId(), fmt.Sprintf("rpc error: code = %s desc = %s", codeOf(err), runtimeMessage(err))
	}
	if err != nil {
		if ctx.Err() == nil {
			message := "Failed to create pod sandbox: " + text
			w.event(pod, nil, corev1.EventTypeWarning, "FailedCreatePodSandBox", message)
			w.record(pod, decision.Record{Action: "RunPodSandbox", Reason: "FailedCreatePodSandBox", Message: message})
		}
		return "", nil, fmt.Errorf("run sandbox of pod %s: %w", podText(pod), err)
	}
	answer, err := w.k.cfg.Runtime.PodSandboxStatus(ctx, &runtimeapi.PodSandboxStatusRequest{PodSandboxId: id})
	if err != nil {
		return "", nil, fmt.Errorf("read sandbox %s: %w", id, err)
	}
	ips = sandboxIPs(answer.Status)
	details := map[string]string{"sandbox": id}
	if len(ips) > 0 {
		details["podIP"] = ips[0]
	}
	reason := "NoPodSandbox"
	if a.sandboxID != "" {
		reason = "SandboxChanged"
	}
	w.record(pod, decision.Record{Action: "RunPodSandbox", Before: a.sandboxID, After: id, Reason: reason, Message: a.why, Details: details})
	return id, ips, nil
}
