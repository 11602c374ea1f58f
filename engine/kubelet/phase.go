package kubelet

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

func terminal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

// tally counts containers by what their status says.
type tally struct {
	pendingInit, failedInit            int // ordinary init containers: not done; failed for good
	pendingSidecars                    int // sidecars that have not started
	unknown, running, waiting          int
	stopped, stoppedForGood, succeeded int
}

// podPhase sums the containers up in one word. ending means that nothing will be restarted, whatever the policy: the pod is being
// deleted. initialized means that a regular container has run in this sandbox.
func podPhase(pod *corev1.Pod, status *corev1.PodStatus, ending, initialized bool) corev1.PodPhase {
	var t tally
	all := slices.Concat(status.InitContainerStatuses, status.ContainerStatuses)
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; isSidecar(c) {
			t.addSidecar(findStatus(all, c.Name))
		} else {
			t.addInit(pod, c, findStatus(all, c.Name))
		}
	}
	for i := range pod.Spec.Containers {
		t.add(pod, &pod.Spec.Containers[i], findStatus(all, pod.Spec.Containers[i].Name))
	}
	switch {
	case t.failedInit > 0:
		return corev1.PodFailed
	case t.pendingInit > 0, t.pendingSidecars > 0 && !initialized, t.waiting > 0:
		return corev1.PodPending
	case t.running > 0 && t.unknown == 0:
		return corev1.PodRunning
	case t.running == 0 && t.stopped > 0 && t.unknown == 0:
		return t.ended(ending)
	}
	return corev1.PodPending
}

// ended is the phase of a pod none of whose containers runs.
func (t *tally) ended(ending bool) corev1.PodPhase {
	switch {
	case !ending && t.stopped != t.stoppedForGood:
		return corev1.PodRunning // something is about to be restarted
	case t.stopped == t.succeeded:
		return corev1.PodSucceeded
	}
	return corev1.PodFailed
}

func (t *tally) addInit(pod *corev1.Pod, c *corev1.Container, s *corev1.ContainerStatus) {
	end := lastEnd(s)
	switch {
	case s == nil || s.State.Running != nil || end == nil:
		t.pendingInit++
	case end.ExitCode != 0 && endedForGood(pod, c, end):
		t.failedInit++
	}
}

// endedForGood says whether a container will not be started again. One that was only removed to start the pod over will.
func endedForGood(pod *corev1.Pod, c *corev1.Container, end *corev1.ContainerStateTerminated) bool {
	return end.Reason != restartingAll && !wouldRestart(pod, c, end.ExitCode)
}

// lastEnd is how a container that does not run ended, nil when it never did.
func lastEnd(s *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	switch {
	case s == nil || s.State.Running != nil:
		return nil
	case s.State.Terminated != nil:
		return s.State.Terminated
	}
	return s.LastTerminationState.Terminated
}

func (t *tally) addSidecar(s *corev1.ContainerStatus) {
	switch {
	case s == nil:
		t.unknown++
	case s.State.Running != nil:
		t.running++
		if !isTrue(s.Started) {
			t.pendingSidecars++
		}
	case s.State.Waiting != nil && s.LastTerminationState.Terminated == nil:
		t.pendingSidecars++
		t.waiting++
	}
}

func (t *tally) add(pod *corev1.Pod, c *corev1.Container, s *corev1.ContainerStatus) {
	end := lastEnd(s)
	switch {
	case s == nil:
		t.unknown++
	case s.State.Running != nil:
		t.running++
	case end == nil:
		t.waiting++
	default:
		t.stopped++
		if endedForGood(pod, c, end) {
			t.stoppedForGood++
		}
		if s.State.Terminated != nil && end.ExitCode == 0 {
			t.succeeded++
		}
	}
}
