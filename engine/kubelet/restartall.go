package kubelet

import (
	"context"
	"fmt"
	"slices"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The end of one container may start its whole pod over, in the sandbox and with the volumes that it has (KEP-5532): every container is
// killed and removed, init containers run again. The container whose rule said so is removed last, so that a kubelet that is killed
// midway still finds the reason to go on.

const (
	restartingAll        = "RestartingAllContainers"
	restartingAllMessage = "The container is removed because RestartAllContainers in place"
)

// containersOf are the regular and the init containers: what a pod consists of while nobody debugs it.
func containersOf(pod *corev1.Pod) []corev1.Container {
	return slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers)
}

// mayRestartAll says whether some container has a rule that starts the whole pod over.
func mayRestartAll(pod *corev1.Pod) bool {
	return slices.ContainsFunc(containersOf(pod), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.RestartPolicyRules, func(r corev1.ContainerRestartRule) bool {
			return r.Action == corev1.ContainerRestartRuleActionRestartAllContainers
		})
	})
}

// endedAll says whether the container's end is to start the whole pod over.
func endedAll(spec *corev1.Container, c *containerView) bool {
	return c != nil && c.exited() && restartRule(spec, c.exitCode) == corev1.ContainerRestartRuleActionRestartAllContainers
}

// restartsAll says whether some container's end is about to start the whole pod over.
func restartsAll(pod *corev1.Pod, view *podView) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(containersOf(pod), func(spec corev1.Container) bool {
		return endedAll(&spec, view.container(spec.Name))
	})
}

// resetOrder lists all of the pod's containers, those at last that are the reason.
func resetOrder(pod *corev1.Pod, view *podView) []*containerView {
	var others, reasons []*containerView
	for _, spec := range containersOf(pod) {
		for _, c := range view.containers {
			switch {
			case c.name != spec.Name:
			case endedAll(&spec, c):
				reasons = append(reasons, c)
			default:
				others = append(others, c)
			}
		}
	}
	return append(others, reasons...)
}

// reset removes containers but keeps their logs, by which the next ones count their restarts.
func (w *worker) reset(ctx context.Context, pod *corev1.Pod, containers []*containerView) error {
	w.record(pod, decision.Record{Action: "RestartAllContainers", Reason: "RestartAllContainersStarted", Message: "container exited with restart policy rule"})
	for _, c := range containers {
		if !c.exited() {
			if err := w.killContainer(ctx, pod, kill{container: c, message: "killing", reason: killedToRestart}); err != nil {
				return err
			}
		}
		_, err := w.k.cfg.Runtime.RemoveContainer(ctx, &runtimeapi.RemoveContainerRequest{ContainerId: c.id})
		if err != nil && !isNotFound(err) {
			return fmt.Errorf("remove container %s of pod %s: %w", c.name, podText(pod), err)
		}
		delete(w.reasons, c.name)
	}
	return nil
}

// restartingCondition tells that a pod is being started over; pods whose rules never do that have none.
func restartingCondition(pod *corev1.Pod, view *podView, phase corev1.PodPhase) []corev1.PodCondition {
	if !mayRestartAll(pod) {
		return nil
	}
	c := corev1.PodCondition{Type: corev1.AllContainersRestarting, Status: corev1.ConditionFalse}
	if !terminal(phase) && restartsAll(pod, view) {
		c.Status, c.Reason, c.Message = corev1.ConditionTrue, "RestartAllContainersStarted", "container exited with restart policy rule"
	}
	return []corev1.PodCondition{c}
}

// removedStatus is that of a container that was removed to start the pod over.
func removedStatus(s corev1.ContainerStatus, before *corev1.ContainerStatus) corev1.ContainerStatus {
	s.RestartCount = before.RestartCount + 1
	s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: restartingAll, Message: restartingAllMessage}}
	s.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		Reason: restartingAll, Message: restartingAllMessage, ExitCode: 137,
	}}
	return s
}

// beingRestarted says whether the status before, or the runtime, tells that the pod is being started over.
func beingRestarted(pod *corev1.Pod, view *podView, before *corev1.PodStatus) bool {
	c := findCondition(before.Conditions, corev1.AllContainersRestarting)
	return c != nil && c.Status == corev1.ConditionTrue || restartsAll(pod, view)
}
