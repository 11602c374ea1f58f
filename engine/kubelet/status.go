package kubelet

import (
	"fmt"
	"strings"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// publish generates the pod's status from the runtime's view and hands it to the writer.
func (w *worker) publish(pod *corev1.Pod, view *podView) *corev1.PodStatus {
	return w.show(pod, w.generate(pod, view, false))
}

// publishFinal is publish for a pod whose containers have all been stopped for good.
func (w *worker) publishFinal(pod *corev1.Pod, view *podView) {
	w.show(pod, w.generate(pod, view, true))
}

func (w *worker) show(pod *corev1.Pod, status *corev1.PodStatus) *corev1.PodStatus {
	before := summary(w.last)
	w.last = status
	if after := summary(status); after != before {
		w.record(pod, decision.Record{Action: "UpdateStatus", Before: before, After: after, Reason: status.Reason, Message: waitingMessage(status)})
	}
	w.status.set(status)
	w.probes.follow(pod, status)
	return status
}

// fail makes the pod Failed without a container's doing.
func (w *worker) fail(pod *corev1.Pod, reason, message string) {
	status := w.previous(pod).DeepCopy()
	status.Phase, status.Reason, status.Message = corev1.PodFailed, reason, message
	w.show(pod, status)
}

// summary is a status in a few words, for decision records.
func summary(s *corev1.PodStatus) string {
	if s == nil {
		return ""
	}
	words := []string{string(s.Phase)}
	if c := findCondition(s.Conditions, corev1.PodReady); c != nil {
		words = append(words, "Ready="+string(c.Status))
	}
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses} {
		for i := range list {
			words = append(words, list[i].Name+"="+stateWord(&list[i]))
		}
	}
	return strings.Join(words, " ")
}

func stateWord(s *corev1.ContainerStatus) string {
	switch {
	case s.State.Running != nil:
		return "running"
	case s.State.Terminated != nil:
		return fmt.Sprintf("exited(%d)", s.State.Terminated.ExitCode)
	case s.State.Waiting != nil && s.State.Waiting.Reason != "":
		return s.State.Waiting.Reason
	}
	return "waiting"
}

func waitingMessage(s *corev1.PodStatus) string {
	for i := range s.ContainerStatuses {
		if waiting := s.ContainerStatuses[i].State.Waiting; waiting != nil && waiting.Message != "" {
			return waiting.Message
		}
	}
	return s.Message
}

// previous is the status generated last, or what the API server knows when this kubelet has not looked at the pod yet.
func (w *worker) previous(pod *corev1.Pod) *corev1.PodStatus {
	if w.last != nil {
		return w.last
	}
	return &pod.Status
}

// generate makes the pod's status. ending means that nothing will be started any more.
func (w *worker) generate(pod *corev1.Pod, view *podView, ending bool) *corev1.PodStatus {
	before := w.previous(pod)
	s := &corev1.PodStatus{
		ObservedGeneration: pod.Generation, QOSClass: pod.Status.QOSClass, StartTime: before.StartTime,
		HostIP: w.k.cfg.NodeIP, HostIPs: []corev1.HostIP{{IP: w.k.cfg.NodeIP}},
	}
	if s.StartTime == nil {
		now := metav1.Now().Rfc3339Copy()
		s.StartTime = &now
	}
	w.setIPs(pod, view, s, before)
	s.ContainerStatuses = w.containerStatuses(pod, view, pod.Spec.Containers, before.ContainerStatuses)
	s.InitContainerStatuses = w.containerStatuses(pod, view, pod.Spec.InitContainers, before.InitContainerStatuses)
	var ephemeral []corev1.Container
	for i := range pod.Spec.EphemeralContainers {
		ephemeral = append(ephemeral, corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	s.EphemeralContainerStatuses = w.containerStatuses(pod, view, ephemeral, before.EphemeralContainerStatuses)
	s.Phase = podPhase(pod, s, ending, anyActiveRegularContainer(pod, view))
	keepTerminalPhase(pod, s, before)
	w.applyProbes(pod, s)
	because, _ := sandboxChanged(pod, view)
	s.Conditions = podConditions(pod, s, before, because, append(w.resize.conditions(), restartingCondition(pod, view, s.Phase)...)...)
	return s
}

// keepTerminalPhase: a pod never comes back from Succeeded or Failed, and the reason belongs to the phase.
func keepTerminalPhase(pod *corev1.Pod, s, before *corev1.PodStatus) {
	for _, old := range []*corev1.PodStatus{before, &pod.Status} {
		if terminal(old.Phase) {
			s.Phase = old.Phase
		}
	}
	if s.Phase != before.Phase {
		return
	}
	s.Reason, s.Message = before.Reason, before.Message
	if s.Reason == "" {
		s.Reason = pod.Status.Reason
	}
	if s.Message == "" {
		s.Message = pod.Status.Message
	}
}

// setIPs shows the sandbox's addresses, and keeps them for a pod that has ended.
func (w *worker) setIPs(pod *corev1.Pod, view *podView, s, before *corev1.PodStatus) {
	ips := view.ips
	if pod.Spec.HostNetwork {
		ips = []string{w.k.cfg.NodeIP}
	}
	for _, ip := range ips {
		s.PodIPs = append(s.PodIPs, corev1.PodIP{IP: ip})
	}
	if len(s.PodIPs) == 0 && len(view.sandboxes) > 0 {
		s.PodIPs = before.PodIPs
	}
	if len(s.PodIPs) > 0 {
		s.PodIP = s.PodIPs[0].IP
	}
}

func (w *worker) podIP() string {
	if w.last == nil {
		return ""
	}
	return w.last.PodIP
}

// applyProbes fills in started and ready from the probes' verdicts.
func (w *worker) applyProbes(pod *corev1.Pod, s *corev1.PodStatus) {
	for i := range s.ContainerStatuses {
		c := &s.ContainerStatuses[i]
		started := w.probes.started(findContainer(pod, c.Name), c)
		c.Started = &started
		c.Ready = started && w.probes.ready(findContainer(pod, c.Name), c)
	}
	for i := range s.InitContainerStatuses {
		c := &s.InitContainerStatuses[i]
		spec := findContainer(pod, c.Name)
		started := w.probes.started(spec, c)
		c.Started = &started
		if isSidecar(spec) {
			c.Ready = started && w.probes.ready(spec, c)
		} else {
			c.Ready = c.State.Terminated != nil && c.State.Terminated.ExitCode == 0
		}
	}
}
