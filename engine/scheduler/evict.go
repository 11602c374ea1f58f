package scheduler

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// preempt carries out a plan: the victims are asked to go, each with its grace period. The pod comes back to the queue's
// front when they have gone.
func (s *Scheduler) preempt(ctx context.Context, p *podInfo, todo plan) error {
	if len(todo.victims) == 0 {
		if todo.nominated != nil {
			s.world.nominate(p, "")
		}
		return nil
	}
	var errs []error
	for _, victim := range todo.victims {
		if victim.DeletionTimestamp == nil {
			errs = append(errs, s.evict(ctx, p, victim, todo.node))
		}
	}
	if err := errors.Join(errs...); err != nil {
		s.world.nominate(p, "")
		return err
	}
	return s.dethrone(ctx, p, todo.node)
}

// evict marks a victim, so that a Job can tell this end from a failure, and deletes it.
func (s *Scheduler) evict(ctx context.Context, p, victim *podInfo, node string) error {
	err := s.patchStatus(ctx, victim.Pod, corev1.PodCondition{
		Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler,
		Message:            p.Spec.SchedulerName + ": preempting to accommodate a higher priority pod",
		LastTransitionTime: metav1.Now(), ObservedGeneration: victim.Generation,
	}, nil)
	if err == nil {
		err = s.client.CoreV1().Pods(victim.Namespace).Delete(ctx, victim.Name, metav1.DeleteOptions{
			Preconditions: metav1.NewUIDPreconditions(string(victim.UID)),
		})
	}
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return nil // gone already; one of the same name that came after is nobody's victim
	case err != nil:
		return fmt.Errorf("preempt pod %s/%s: %w", victim.Namespace, victim.Name, err)
	}
	message, voice := fmt.Sprintf("Preempted by pod %s on node %s", p.UID, node), s.profiles[p.Spec.SchedulerName]
	voice.Normal(victim.Pod, "Preempted", "%s", message)
	voice.Decide(decision.Record{
		Object: controller.Refer("pods", victim), Action: "Preempt", Before: node, Reason: "Preempted", Message: message,
		Cause: controller.Refer("pods", p),
	})
	return nil
}

// dethrone takes the nomination from less important pods that wait for the same node: they may find another.
func (s *Scheduler) dethrone(ctx context.Context, p *podInfo, node string) error {
	for _, other := range s.rivals(p, node) {
		patch := []byte(`{"status":{"nominatedNodeName":""}}`)
		_, err := s.client.CoreV1().Pods(other.Namespace).Patch(ctx, other.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("clear the nomination of pod %s/%s: %w", other.Namespace, other.Name, err)
		}
	}
	return nil
}

func (s *Scheduler) rivals(p *podInfo, node string) []*podInfo {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	var less []*podInfo
	for uid, other := range s.world.nominated {
		if other.node == node && priority(other.pod) < priority(p) {
			less = append(less, other.pod)
			delete(s.world.nominated, uid)
		}
	}
	return less
}

// preemptionFailed puts the pod back after an error of the API.
func (s *Scheduler) preemptionFailed(ctx context.Context, a *attempt, err error) {
	s.queue.retry(a)
	s.profiles[a.Spec.SchedulerName].Decide(decision.Record{
		Object: controller.Refer("pods", a), Action: "Preempt", Reason: "SchedulerError", Message: err.Error(),
	})
	s.setCondition(ctx, a.podInfo, told{reason: "SchedulerError", message: err.Error(), nominated: ptr.To("")})
}

// nominatedTo are the pods nominated to a node that are at least as important as this one: it must leave them their room.
func (c *cycle) nominatedTo(n *nodeInfo) []*podInfo {
	var others []*podInfo
	for uid, other := range c.world.nominated {
		if other.node == n.node.Name && uid != c.UID && priority(other.pod) >= priority(c.podInfo) && c.world.podLocked(uid) == nil {
			others = append(others, other.pod)
		}
	}
	return others
}
