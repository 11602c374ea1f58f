package kubelet

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ownedCondition says whether the kubelet is the one to set a condition.
func ownedCondition(kind corev1.PodConditionType) bool {
	switch kind {
	case corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady,
		corev1.PodResizePending, corev1.PodResizeInProgress, corev1.AllContainersRestarting:
		return true
	}
	return false
}

// ours says whether a condition is for the kubelet to write: one it owns, or the disruption that is its own doing.
func ours(c *corev1.PodCondition) bool {
	return ownedCondition(c.Type) || c.Type == corev1.DisruptionTarget && c.Reason == corev1.PodReasonTerminationByKubelet
}

// podConditions are the five conditions the kubelet owns, in upstream's order, after those it does not own. before gives the times of
// those that have not changed; more are added as they are.
func podConditions(pod *corev1.Pod, status, before *corev1.PodStatus, sandbox string, more ...corev1.PodCondition) []corev1.PodCondition {
	var conditions []corev1.PodCondition
	for _, c := range pod.Status.Conditions {
		if !ownedCondition(c.Type) {
			conditions = append(conditions, c)
		}
	}
	foreign := len(conditions)
	all := slices.Concat(status.InitContainerStatuses, status.ContainerStatuses)
	containersReady := containersReadyCondition(pod, all, status.Phase)
	conditions = append(conditions,
		sandboxCondition(sandbox),
		initializedCondition(pod, all, before, status.Phase),
		readyCondition(pod, containersReady, conditions),
		containersReady,
		corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
	)
	conditions = append(conditions, more...)
	now := metav1.Now()
	for i := foreign; i < len(conditions); i++ {
		c := &conditions[i]
		c.ObservedGeneration, c.LastTransitionTime = pod.Generation, now
		if old := findCondition(before.Conditions, c.Type); old != nil && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
	}
	return conditions
}

func findCondition(conditions []corev1.PodCondition, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range conditions {
		if conditions[i].Type == kind {
			return &conditions[i]
		}
	}
	return nil
}

func sandboxCondition(because string) corev1.PodCondition {
	if because == "" {
		return corev1.PodCondition{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue}
	}
	return corev1.PodCondition{
		Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionFalse, Reason: "PodSandboxNotReady", Message: because,
	}
}

// containersReadyCondition is true when every regular container and every sidecar is ready.
func containersReadyCondition(pod *corev1.Pod, statuses []corev1.ContainerStatus, phase corev1.PodPhase) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionFalse}
	var unknown, unready []string
	check := func(name string) {
		if s := findStatus(statuses, name); s == nil {
			unknown = append(unknown, name)
		} else if !s.Ready {
			unready = append(unready, name)
		}
	}
	for i := range pod.Spec.InitContainers {
		if isSidecar(&pod.Spec.InitContainers[i]) {
			check(pod.Spec.InitContainers[i].Name)
		}
	}
	for i := range pod.Spec.Containers {
		check(pod.Spec.Containers[i].Name)
	}
	message := unreadyMessage(unknown, "unready", unready)
	switch {
	case statuses == nil:
		c.Reason = "UnknownContainerStatuses"
	case phase == corev1.PodSucceeded && len(unknown) == 0:
		c.Reason = "PodCompleted"
	case phase == corev1.PodFailed:
		c.Reason = "PodFailed"
	case message != "":
		c.Reason, c.Message = "ContainersNotReady", message
	default:
		c.Status = corev1.ConditionTrue
	}
	return c
}

func unreadyMessage(unknown []string, what string, others []string) string {
	var parts []string
	if len(unknown) > 0 {
		parts = append(parts, fmt.Sprintf("containers with unknown status: %s", unknown))
	}
	if len(others) > 0 {
		parts = append(parts, fmt.Sprintf("containers with %s status: %s", what, others))
	}
	return strings.Join(parts, ", ")
}

// readyCondition is containersReady and every readiness gate (KEP-580).
func readyCondition(pod *corev1.Pod, containersReady corev1.PodCondition, others []corev1.PodCondition) corev1.PodCondition {
	c := containersReady
	c.Type = corev1.PodReady
	if c.Status != corev1.ConditionTrue {
		return c
	}
	var closed []string
	for _, gate := range pod.Spec.ReadinessGates {
		if g := findCondition(others, gate.ConditionType); g == nil {
			closed = append(closed, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", string(gate.ConditionType)))
		} else if g.Status != corev1.ConditionTrue {
			closed = append(closed, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", string(gate.ConditionType), g.Status))
		}
	}
	if len(closed) > 0 {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "ReadinessGatesNotReady", strings.Join(closed, ", ")
	}
	return c
}

// initializedCondition is true when every init container has succeeded and every sidecar has started, and stays true.
func initializedCondition(pod *corev1.Pod, statuses []corev1.ContainerStatus, before *corev1.PodStatus, phase corev1.PodPhase) corev1.PodCondition {
	c := corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}
	var unknown, incomplete []string
	for i := range pod.Spec.InitContainers {
		spec := &pod.Spec.InitContainers[i]
		s := findStatus(statuses, spec.Name)
		switch {
		case s == nil:
			unknown = append(unknown, spec.Name)
		case isSidecar(spec) && !isTrue(s.Started), !isSidecar(spec) && !s.Ready:
			incomplete = append(incomplete, spec.Name)
		}
	}
	if phase == corev1.PodSucceeded && len(unknown) == 0 {
		c.Reason = "PodCompleted"
		return c
	}
	started := slices.ContainsFunc(pod.Spec.Containers, func(spec corev1.Container) bool {
		s := findStatus(statuses, spec.Name)
		return s != nil && (isTrue(s.Started) || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil)
	})
	message := unreadyMessage(unknown, "incomplete", incomplete)
	old := findCondition(before.Conditions, corev1.PodInitialized)
	if message == "" || started || (old != nil && old.Status == corev1.ConditionTrue) {
		return c
	}
	c.Status, c.Reason, c.Message = corev1.ConditionFalse, "ContainersNotInitialized", message
	return c
}

func findStatus(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}
