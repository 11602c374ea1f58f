package deployment

import (
	"context"
	"fmt"
	"math"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// count is the status as the sets tell it; the conditions are those of before, and Available.
func (r *rollout) count() appsv1.DeploymentStatus {
	all := r.all()
	status := appsv1.DeploymentStatus{
		ObservedGeneration:  r.d.Generation,
		Replicas:            actual(all...),
		UpdatedReplicas:     actual(r.current),
		ReadyReplicas:       ready(all...),
		AvailableReplicas:   available(all...),
		UnavailableReplicas: max(0, wanted(all...)-available(all...)),
		TerminatingReplicas: terminating(all),
		CollisionCount:      r.d.Status.CollisionCount,
		Conditions:          r.d.Status.DeepCopy().Conditions,
	}
	c := appsv1.DeploymentCondition{
		Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue,
		Reason: "MinimumReplicasAvailable", Message: "Deployment has minimum availability.",
	}
	if status.AvailableReplicas < least(r.d) {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
	}
	setCondition(&status, c)
	return status
}

// report writes the counts.
func (r *rollout) report(ctx context.Context) error { return r.writeStatus(ctx, r.count()) }

// reportProgress writes the counts and whether the rollout gets on.
func (r *rollout) reportProgress(ctx context.Context) error {
	status := r.count()
	r.judge(&status)
	if c := failure(r.current, r.all()); c != nil {
		setCondition(&status, *c)
	} else {
		dropCondition(&status, appsv1.DeploymentReplicaFailure)
	}
	if equality.Semantic.DeepEqual(r.d.Status, status) {
		r.watchDeadline(status)
		return nil
	}
	return r.writeStatus(ctx, status)
}

// judge sets the condition Progressing.
func (r *rollout) judge(status *appsv1.DeploymentStatus) {
	if !hasDeadline(r.d) {
		dropCondition(status, appsv1.DeploymentProgressing)
		return
	}
	before := condition(r.d.Status, appsv1.DeploymentProgressing)
	if before != nil && before.Reason == reasonDone && status.Replicas == status.UpdatedReplicas {
		return // the rollout is over; pods that come and go do not reopen it
	}
	subject := fmt.Sprintf("Deployment %q", r.d.Name)
	if r.current != nil {
		subject = fmt.Sprintf("ReplicaSet %q", r.current.Name)
	}
	switch {
	case complete(r.d, *status):
		setCondition(status, progressing(corev1.ConditionTrue, reasonDone, subject+" has successfully progressed."))
	case movedOn(r.d.Status, *status):
		c := progressing(corev1.ConditionTrue, "ReplicaSetUpdated", subject+" is progressing.")
		if before != nil && before.Status == corev1.ConditionTrue {
			c.LastTransitionTime = before.LastTransitionTime
		}
		dropCondition(status, appsv1.DeploymentProgressing) // also when the reason is the same: lastUpdateTime starts the deadline anew
		setCondition(status, c)
	case r.timedOut(*status):
		setCondition(status, progressing(corev1.ConditionFalse, reasonTimedOut, subject+" has timed out progressing."))
	}
}

// complete: every pod is new and available.
func complete(d *appsv1.Deployment, status appsv1.DeploymentStatus) bool {
	replicas := *d.Spec.Replicas
	return status.UpdatedReplicas == replicas && status.Replicas == replicas && status.AvailableReplicas == replicas &&
		status.ObservedGeneration >= d.Generation
}

// movedOn: more new pods, fewer old ones, more ready or available ones than before.
func movedOn(before, now appsv1.DeploymentStatus) bool {
	return now.UpdatedReplicas > before.UpdatedReplicas ||
		now.Replicas-now.UpdatedReplicas < before.Replicas-before.UpdatedReplicas ||
		now.ReadyReplicas > before.ReadyReplicas || now.AvailableReplicas > before.AvailableReplicas
}

func (r *rollout) timedOut(status appsv1.DeploymentStatus) bool {
	c := condition(status, appsv1.DeploymentProgressing)
	switch {
	case c == nil || c.Reason == reasonDone:
		return false
	case c.Reason == reasonTimedOut:
		return true
	default:
		return c.LastUpdateTime.Add(deadline(r.d)).Before(time.Now())
	}
}

// watchDeadline looks again when the deadline has passed: a rollout that is stuck causes no events.
func (r *rollout) watchDeadline(status appsv1.DeploymentStatus) {
	c := condition(status, appsv1.DeploymentProgressing)
	if !hasDeadline(r.d) || c == nil || c.Reason == reasonTimedOut || complete(r.d, status) {
		return
	}
	// One second more: lastUpdateTime has no fraction.
	r.wake(max(time.Until(c.LastUpdateTime.Add(deadline(r.d))), 0) + time.Second)
}

func hasDeadline(d *appsv1.Deployment) bool {
	seconds := d.Spec.ProgressDeadlineSeconds
	return seconds != nil && *seconds != math.MaxInt32
}

func deadline(d *appsv1.Deployment) time.Duration {
	return time.Duration(*d.Spec.ProgressDeadlineSeconds) * time.Second
}

// notePause keeps the condition Progressing in step with spec.paused.
func (r *rollout) notePause(ctx context.Context) error {
	c := condition(r.d.Status, appsv1.DeploymentProgressing)
	if !hasDeadline(r.d) || c != nil && c.Reason == reasonTimedOut {
		return nil
	}
	noted := c != nil && c.Reason == reasonPaused
	switch {
	case r.d.Spec.Paused && !noted:
		setCondition(&r.d.Status, progressing(corev1.ConditionUnknown, reasonPaused, "Deployment is paused"))
	case !r.d.Spec.Paused && noted:
		setCondition(&r.d.Status, progressing(corev1.ConditionUnknown, "DeploymentResumed", "Deployment is resumed"))
	default:
		return nil
	}
	return r.save(ctx)
}

// writeStatus writes the status when it has changed.
func (r *rollout) writeStatus(ctx context.Context, status appsv1.DeploymentStatus) error {
	if equality.Semantic.DeepEqual(r.d.Status, status) {
		return nil
	}
	r.d.Status = status
	return r.save(ctx)
}

// save writes the status and the annotations of our copy. Kubernetes' Deployments take annotations through the status
// subresource, so that the revision and the status change together.
func (r *rollout) save(ctx context.Context) error {
	updated, err := r.client.AppsV1().Deployments(r.d.Namespace).UpdateStatus(ctx, r.d, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("update status: %w", err)
	}
	r.written.Wrote(updated)
	r.d = updated.DeepCopy()
	return nil
}
