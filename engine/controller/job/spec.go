package job

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func completionMode(job *batchv1.Job) batchv1.CompletionMode {
	if job.Spec.CompletionMode == nil {
		return batchv1.NonIndexedCompletion
	}
	return *job.Spec.CompletionMode
}

func indexed(job *batchv1.Job) bool { return completionMode(job) == batchv1.IndexedCompletion }

func suspended(job *batchv1.Job) bool { return job.Spec.Suspend != nil && *job.Spec.Suspend }

// managedElsewhere says whether another controller than this one answers for the Job.
func managedElsewhere(job *batchv1.Job) bool {
	return job.Spec.ManagedBy != nil && *job.Spec.ManagedBy != batchv1.JobControllerName
}

func replacesOnlyFailed(job *batchv1.Job) bool {
	return job.Spec.PodReplacementPolicy != nil && *job.Spec.PodReplacementPolicy == batchv1.Failed
}

func finished(job *batchv1.Job) bool {
	return hasCondition(job, batchv1.JobComplete) || hasCondition(job, batchv1.JobFailed)
}

func hasCondition(job *batchv1.Job, kind batchv1.JobConditionType) bool {
	c := condition(job, kind)
	return c != nil && c.Status == corev1.ConditionTrue
}

func condition(job *batchv1.Job, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range job.Status.Conditions {
		if job.Status.Conditions[i].Type == kind {
			return &job.Status.Conditions[i]
		}
	}
	return nil
}

func newCondition(kind batchv1.JobConditionType, reason, message string) *batchv1.JobCondition {
	now := metav1.Now()
	return &batchv1.JobCondition{
		Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message, LastProbeTime: now, LastTransitionTime: now,
	}
}

// setCondition says whether that was a change. A condition that is not there is not false: it is not added as false.
func setCondition(job *batchv1.Job, c *batchv1.JobCondition) bool {
	before := condition(job, c.Type)
	switch {
	case before == nil && c.Status == corev1.ConditionFalse:
		return false
	case before == nil:
		job.Status.Conditions = append(job.Status.Conditions, *c)
	case before.Status == c.Status && before.Reason == c.Reason && before.Message == c.Message:
		return false
	default:
		*before = *c
	}
	return true
}
