package kubelet

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// containerIDPrefix names the runtime in status.containerStatuses[].containerID.
const containerIDPrefix = "drydock://"

// containerStatuses describes the containers of one list of the spec, in its order.
func (w *worker) containerStatuses(pod *corev1.Pod, view *podView, specs []corev1.Container, before []corev1.ContainerStatus) []corev1.ContainerStatus {
	var statuses []corev1.ContainerStatus
	for i := range specs {
		spec := &specs[i]
		s := w.containerStatus(pod, view, spec, findStatus(before, spec.Name))
		w.showWaiting(pod, view, spec, &s)
		shorten(pod, &s)
		statuses = append(statuses, s)
	}
	return statuses
}

// containerStatus is one container as the runtime shows it: the newest one is its state, the one before its last state.
func (w *worker) containerStatus(pod *corev1.Pod, view *podView, spec *corev1.Container, before *corev1.ContainerStatus) corev1.ContainerStatus {
	var newest, older *containerView
	for _, c := range view.containers {
		switch {
		case c.name != spec.Name:
		case newest == nil:
			newest = c
		case older == nil:
			older = c
		}
	}
	if newest == nil {
		s := unseenStatus(pod, spec, before)
		if before != nil && before.State.Waiting == nil && beingRestarted(pod, view, w.previous(pod)) {
			return removedStatus(s, before)
		}
		return s
	}
	s := corev1.ContainerStatus{
		Name: spec.Name, Image: newest.image, ImageID: newest.imageRef, ContainerID: containerIDPrefix + newest.id,
		RestartCount: int32(newest.restartCount), State: containerState(newest), VolumeMounts: mountStatuses(spec),
		AllocatedResources: spec.Resources.Requests, Resources: spec.Resources.DeepCopy(),
	}
	if before != nil && before.RestartCount > s.RestartCount && mayRestartAll(pod) {
		s.RestartCount = before.RestartCount
	}
	if older != nil {
		s.LastTerminationState = containerState(older)
	} else if before != nil {
		s.LastTerminationState = inheritedEnd(before, s.ContainerID)
	}
	return s
}

// maxPodMessages is how many bytes all containers of a pod together may say at their ends; each has an equal share.
const maxPodMessages = 12 << 10

func shorten(pod *corev1.Pod, s *corev1.ContainerStatus) {
	share := maxPodMessages / max(1, len(pod.Spec.Containers)+len(pod.Spec.InitContainers)+len(pod.Spec.EphemeralContainers))
	for _, state := range []*corev1.ContainerState{&s.State, &s.LastTerminationState} {
		if end := state.Terminated; end != nil && len(end.Message) > share {
			shorter := end.DeepCopy()
			shorter.Message = end.Message[:share]
			state.Terminated = shorter
		}
	}
}

// inheritedEnd is the last end that only the API still remembers, because the runtime has removed that container.
func inheritedEnd(before *corev1.ContainerStatus, id string) corev1.ContainerState {
	if before.ContainerID != id && before.State.Terminated != nil {
		return before.State
	}
	return before.LastTerminationState
}

func containerState(c *containerView) corev1.ContainerState {
	switch {
	case c.running():
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.started).Rfc3339Copy()}}
	case c.exited():
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: c.exitCode, Reason: c.reason, Message: c.message, ContainerID: containerIDPrefix + c.id,
			StartedAt: metav1.NewTime(c.started).Rfc3339Copy(), FinishedAt: metav1.NewTime(c.finished).Rfc3339Copy(),
		}}
	}
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}
}

// unseenStatus is for a container that the runtime does not know: it was never made, or it is gone.
func unseenStatus(pod *corev1.Pod, spec *corev1.Container, before *corev1.ContainerStatus) corev1.ContainerStatus {
	reason := "ContainerCreating"
	if len(pod.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	s := corev1.ContainerStatus{
		Name: spec.Name, Image: spec.Image, VolumeMounts: mountStatuses(spec),
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
	}
	if before == nil {
		return s
	}
	if before.State.Terminated != nil {
		return *before.DeepCopy()
	}
	s.RestartCount, s.LastTerminationState = before.RestartCount, before.LastTerminationState
	if before.State.Running != nil && s.LastTerminationState.Terminated == nil {
		// It did run, and it is not there any more: that is an end, even though nobody saw it.
		s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
			Reason: "ContainerStatusUnknown", ExitCode: 137,
			Message: "The container could not be located when the pod was deleted.  The container used to be Running",
		}
		if pod.DeletionTimestamp == nil {
			s.RestartCount++
		}
	}
	return s
}

// mountStatuses mirror the spec's mounts with how read-only they really are (KEP-3857).
func mountStatuses(spec *corev1.Container) []corev1.VolumeMountStatus {
	var out []corev1.VolumeMountStatus
	for i := range spec.VolumeMounts {
		m := &spec.VolumeMounts[i]
		status := corev1.VolumeMountStatus{Name: m.Name, MountPath: m.MountPath, ReadOnly: m.ReadOnly}
		if m.ReadOnly {
			mode := corev1.RecursiveReadOnlyDisabled
			if m.RecursiveReadOnly != nil && *m.RecursiveReadOnly != corev1.RecursiveReadOnlyDisabled {
				mode = corev1.RecursiveReadOnlyEnabled
			}
			status.RecursiveReadOnly = &mode
		}
		out = append(out, status)
	}
	return out
}

// showWaiting turns the state of a container that is to be started again into the reason why it is not running yet.
func (w *worker) showWaiting(pod *corev1.Pod, view *podView, spec *corev1.Container, s *corev1.ContainerStatus) {
	why := w.reasons[spec.Name]
	last := view.container(spec.Name)
	ordinaryInit := isOrdinaryInit(pod, spec.Name)
	switch {
	case why == nil, !shouldRestart(pod, spec, view):
		return
	case ordinaryInit && last != nil && last.exited() && last.exitCode == 0:
		return
	}
	if s.State.Terminated != nil {
		s.LastTerminationState = s.State
	}
	s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: why.reason.Error(), Message: why.message}}
}

func isOrdinaryInit(pod *corev1.Pod, name string) bool {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			return !isSidecar(&pod.Spec.InitContainers[i])
		}
	}
	return false
}
