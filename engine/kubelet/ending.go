package kubelet

import (
	"context"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ending is the node's own decision to end a pod that the API wants to live: the node is shut down, or has run out of something.
type ending struct {
	grace           int64 // seconds between SIGTERM and SIGKILL at most
	reason, message string
	event           string // its reason, "" for none
	failed          bool   // the pod has failed even if its containers end with success
	ownFault        bool   // the pod broke a limit of its own: nobody disrupted it
	done            chan struct{}
}

// end makes the worker end its pod. The channel is closed when the pod has stopped and its last status is on its way. A second
// decision changes nothing.
func (w *worker) end(e ending) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ending == nil {
		e.done = make(chan struct{})
		w.ending = &e
		if w.interrupt != nil {
			w.interrupt()
		}
		w.poke()
	}
	return w.ending.done
}

// carryOut ends the pod as decided: everything is stopped, the phase is Failed (KEP-2000, KEP-3329). The object stays, for people
// and for controllers to read.
func (w *worker) carryOut(ctx context.Context, pod *corev1.Pod, e *ending) time.Time {
	w.probes.stop()
	if w.finished {
		w.markEnded(e)
		return time.Time{}
	}
	if e.event != "" && !w.announced {
		w.announced = true
		w.event(pod, nil, corev1.EventTypeWarning, e.event, e.message)
	}
	condemned := *pod
	grace := e.grace
	if own := pod.Spec.TerminationGracePeriodSeconds; own != nil {
		grace = min(grace, *own)
	}
	condemned.DeletionGracePeriodSeconds = &grace
	view, err := w.stopEverything(ctx, &condemned)
	if err != nil {
		return time.Now().Add(time.Second)
	}
	status := w.generate(pod, view, true)
	if e.failed || status.Phase != corev1.PodSucceeded {
		status.Phase = corev1.PodFailed
	}
	status.Reason, status.Message = e.reason, e.message
	if !e.ownFault {
		status.Conditions = append(status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonTerminationByKubelet, Message: e.message,
			LastTransitionTime: metav1.Now(), ObservedGeneration: pod.Generation,
		})
	}
	w.show(pod, status)
	w.record(pod, decision.Record{Action: "EndPod", Before: "running", After: string(status.Phase), Reason: e.reason, Message: e.message})
	if w.mounts.tearDown(ctx) != nil {
		return time.Now().Add(time.Second)
	}
	w.finished = true
	w.markEnded(e)
	return time.Time{}
}

func (w *worker) markEnded(e *ending) {
	select {
	case <-e.done:
	default:
		close(e.done)
	}
}
