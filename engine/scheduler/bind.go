package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// bind is the binding cycle: it tells the API server, or takes the pod back from the node it was assumed on.
func (s *Scheduler) bind(ctx context.Context, a *attempt, c *choice) {
	p, voice := a.podInfo, s.profiles[a.Spec.SchedulerName]
	err := s.client.CoreV1().Pods(p.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: c.node},
	}, metav1.CreateOptions{})
	if err != nil {
		s.bindFailed(ctx, a, c, fmt.Errorf("binding rejected: %w", err))
		return
	}
	s.queue.remove(p.UID)
	voice.Normal(p.Pod, "Scheduled", "Successfully assigned %s/%s to %s", p.Namespace, p.Name, c.node)
	voice.Decide(decision.Record{
		Object: controller.Refer("pods", p), Action: "Bind", After: c.node, Reason: "Scheduled", Details: c.details,
	})
}

// bindWithVolumes waits for the pod's volumes, then for one of slots, and binds.
func (s *Scheduler) bindWithVolumes(ctx context.Context, a *attempt, c *choice, slots chan struct{}) {
	err := c.volumes.settle(ctx, s.client)
	c.volumes.release(c.volumes.match)
	if err != nil {
		s.bindFailed(ctx, a, c, fmt.Errorf("running PreBind plugin \"VolumeBinding\": binding volumes: %w", err))
		return
	}
	slots <- struct{}{}
	s.bind(ctx, a, c)
	<-slots
}

// bindFailed takes the pod back from the node it was assumed on, to be tried again unless it is gone.
func (s *Scheduler) bindFailed(ctx context.Context, a *attempt, c *choice, err error) {
	p, voice := a.podInfo, s.profiles[a.Spec.SchedulerName]
	s.world.remove(p.UID)
	s.queue.happened(event{what: podGone, oldPod: p}) // room that others were refused for may be there after all
	if apierrors.IsNotFound(err) || errors.Is(err, errPodGone) || ctx.Err() != nil {
		s.queue.remove(p.UID)
		return
	}
	s.queue.retry(a)
	message := err.Error()
	voice.Warning(p.Pod, "FailedScheduling", "%s", message)
	voice.Decide(decision.Record{
		Object: controller.Refer("pods", p), Action: "Bind", Reason: "SchedulerError", Message: message, Details: c.details,
	})
	s.setCondition(ctx, p, told{reason: "SchedulerError", message: message})
}

// told is what a pod's status says about why it has no node.
type told struct {
	reason, message string
	nominated       *string // the node whose victims it waits for; nil leaves the field alone
}

// setCondition says in the pod's status why it has no node, if that is news.
func (s *Scheduler) setCondition(ctx context.Context, p *podInfo, t told) {
	now := metav1.Now()
	c := corev1.PodCondition{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: t.reason, Message: t.message,
		LastTransitionTime: now, ObservedGeneration: p.Generation,
	}
	if before := controller.PodCondition(p.Pod, corev1.PodScheduled); before != nil && before.Status == c.Status {
		if before.Reason == t.reason && before.Message == t.message && (t.nominated == nil || *t.nominated == p.Status.NominatedNodeName) {
			return
		}
		c.LastTransitionTime = before.LastTransitionTime
	}
	err := s.patchStatus(ctx, p.Pod, c, t.nominated)
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		// The Event has said it already, and the next attempt says it again.
		s.profiles[p.Spec.SchedulerName].Decide(decision.Record{Object: controller.Refer("pods", p), Action: "PatchStatus", Reason: "SchedulerError", Message: err.Error()})
	}
}

// patchStatus sets a condition and, unless nil, the nominated node.
func (s *Scheduler) patchStatus(ctx context.Context, p *corev1.Pod, c corev1.PodCondition, nominated *string) error {
	status := map[string]any{"conditions": []corev1.PodCondition{c}}
	if nominated != nil {
		status["nominatedNodeName"] = *nominated
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": status})
	if err != nil {
		return fmt.Errorf("patch status: %w", err)
	}
	_, err = s.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}
