package job

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// judge decides whether the Job ends, and how. The order matters: what an earlier round has announced stands; failure comes
// before success.
func (r *round) judge() {
	for _, ask := range []func() *batchv1.JobCondition{
		r.announced, r.failedByPolicy, r.failedByLimit, r.failedByIndexes, r.succeededByPolicy,
	} {
		if r.verdict = ask(); r.verdict != nil {
			return
		}
	}
}

// announced is the verdict of an earlier round, whose pods may still be on their way out.
func (r *round) announced() *batchv1.JobCondition {
	if hasCondition(r.job, batchv1.JobSuccessCriteriaMet) {
		return condition(r.job, batchv1.JobSuccessCriteriaMet).DeepCopy()
	}
	if hasCondition(r.job, batchv1.JobFailureTarget) {
		return final(condition(r.job, batchv1.JobFailureTarget))
	}
	return nil
}

// failedByPolicy: a pod has failed in a way of which podFailurePolicy says FailJob.
func (r *round) failedByPolicy() *batchv1.JobCondition {
	for _, pod := range r.pods {
		if r.podFailed(pod) {
			if action, message := matchFailure(r.job.Spec.PodFailurePolicy, pod); action == batchv1.PodFailurePolicyActionFailJob {
				return newCondition(batchv1.JobFailureTarget, batchv1.JobReasonPodFailurePolicy, message)
			}
		}
	}
	return nil
}

// failedByLimit: too many pods have failed, or it has taken too long.
func (r *round) failedByLimit() *batchv1.JobCondition {
	spec := &r.job.Spec
	if r.failed > *spec.BackoffLimit || r.tooManyRestarts() {
		return newCondition(batchv1.JobFailureTarget, batchv1.JobReasonBackoffLimitExceeded, "Job has reached the specified backoff limit")
	}
	if spec.ActiveDeadlineSeconds == nil || r.job.Status.StartTime == nil || suspended(r.job) {
		return nil
	}
	left := time.Until(r.job.Status.StartTime.Add(time.Duration(*spec.ActiveDeadlineSeconds) * time.Second))
	if left <= 0 {
		return newCondition(batchv1.JobFailureTarget, batchv1.JobReasonDeadlineExceeded, "Job was active longer than specified deadline")
	}
	r.AddAfter(r.key, left)
	return nil
}

// tooManyRestarts is the back-off limit of pods that the kubelet restarts: they do not fail, their containers do.
func (r *round) tooManyRestarts() bool {
	if r.job.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyOnFailure {
		return false
	}
	var restarts int32
	for _, pod := range r.pods {
		if pod.Status.Phase != corev1.PodRunning && pod.Status.Phase != corev1.PodPending {
			continue
		}
		for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for i := range statuses {
				restarts += statuses[i].RestartCount
			}
		}
	}
	return restarts >= max(1, *r.job.Spec.BackoffLimit)
}

// failedByIndexes: more indexes have failed than maxFailedIndexes, or every index has ended and some have failed.
func (r *round) failedByIndexes() *batchv1.JobCondition {
	if r.lost == nil {
		return nil
	}
	lost := r.lost.total()
	switch most := r.job.Spec.MaxFailedIndexes; {
	case most != nil && lost > int(*most):
		return newCondition(batchv1.JobFailureTarget, batchv1.JobReasonMaxFailedIndexesExceeded, "Job has exceeded the specified maximal number of failed indexes")
	case lost > 0 && lost+r.done.total() >= int(*r.job.Spec.Completions):
		return newCondition(batchv1.JobFailureTarget, batchv1.JobReasonFailedIndexes, "Job has failed indexes")
	}
	return nil
}

// succeededByPolicy: enough of the indexes that successPolicy names have succeeded.
func (r *round) succeededByPolicy() *batchv1.JobCondition {
	if r.job.Spec.SuccessPolicy == nil || !indexed(r.job) || len(r.done) == 0 {
		return nil
	}
	for i, rule := range r.job.Spec.SuccessPolicy.Rules {
		among, wanted := r.done.total(), 0
		if rule.SucceededIndexes != nil {
			named := parseIndexes(*rule.SucceededIndexes, int(*r.job.Spec.Completions))
			among, wanted = named.overlap(r.done), named.total()
		}
		if rule.SucceededCount != nil {
			wanted = int(*rule.SucceededCount)
		}
		if wanted > 0 && among >= wanted {
			return newCondition(batchv1.JobSuccessCriteriaMet, batchv1.JobReasonSuccessPolicy, fmt.Sprintf("Matched rules at index %d", i))
		}
	}
	return nil
}

// complete: the wanted number of pods has succeeded and none is active any more. Without a wanted number, the first success
// decides, and the others may run to their end.
func (r *round) complete() bool {
	if r.job.Spec.Completions == nil {
		return r.succeeded > 0 && r.active == 0
	}
	return r.succeeded >= *r.job.Spec.Completions && r.active == 0
}

// final is what becomes of an announcement when the last pod has ended.
func final(c *batchv1.JobCondition) *batchv1.JobCondition {
	if c.Type == batchv1.JobSuccessCriteriaMet {
		return newCondition(batchv1.JobComplete, c.Reason, c.Message)
	}
	return newCondition(batchv1.JobFailed, c.Reason, c.Message)
}

// end deletes the pods that are still active. The verdict waits for another round when some could not be deleted.
func (r *round) end(ctx context.Context) error {
	if len(r.live) == 0 {
		return nil
	}
	r.expectations.ExpectDeletions(r.key, uidsOf(r.live))
	deleted, err := r.control.Delete(ctx, r.job, r.live, fmt.Sprintf("Job %s has ended: %s", r.job.Name, r.verdict.Message))
	if deleted != len(r.live) {
		r.verdict = nil
	}
	r.gone(r.live, deleted)
	return err
}

// goOn creates and deletes pods, and finds out whether that was all.
func (r *round) goOn(ctx context.Context) error {
	var err error
	managed := r.job.DeletionTimestamp == nil
	if managed {
		err = r.manage(ctx)
	}
	switch {
	case r.complete():
		r.verdict = newCondition(batchv1.JobSuccessCriteriaMet, batchv1.JobReasonCompletionsReached, "Reached expected number of succeeded pods")
	case managed:
		r.noteSuspension()
	}
	return err
}

// noteSuspension keeps the condition Suspended in step with spec.suspend. The deadline counts from the last resumption.
func (r *round) noteSuspension() {
	c := newCondition(batchv1.JobSuspended, "JobSuspended", "Job suspended")
	if !suspended(r.job) {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "JobResumed", "Job resumed"
	}
	if !setCondition(r.job, c) {
		return
	}
	if suspended(r.job) {
		r.job.Status.StartTime = nil
		r.Normal(r.job, "Suspended", "Job suspended")
		return
	}
	now := metav1.Now()
	r.job.Status.StartTime = &now
	r.Normal(r.job, "Resumed", "Job resumed")
}
