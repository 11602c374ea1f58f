package cronjob

import (
	"cmp"
	"context"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ending is how a Job has ended, Complete or Failed; "" while it has not.
func ending(job *batchv1.Job) batchv1.JobConditionType {
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return c.Type
		}
	}
	return ""
}

func (t *turn) isActive(job *batchv1.Job) bool {
	return slices.ContainsFunc(t.cron.Status.Active, func(r corev1.ObjectReference) bool { return r.UID == job.UID })
}

func (t *turn) dropActive(uid types.UID) {
	before := len(t.cron.Status.Active)
	t.cron.Status.Active = slices.DeleteFunc(t.cron.Status.Active, func(r corev1.ObjectReference) bool { return r.UID == uid })
	t.changed = t.changed || len(t.cron.Status.Active) != before
}

// keepActive brings status.active and lastSuccessfulTime up to date.
func (t *turn) keepActive(ctx context.Context) error {
	known := map[types.UID]bool{}
	for _, job := range t.jobs {
		known[job.UID] = true
		switch end := ending(job); {
		case end == "" && !t.isActive(job):
			t.Warning(t.cron, "UnexpectedJob", "Saw a job that the controller did not create or forgot: %s", job.Name)
		case end != "" && t.isActive(job):
			t.dropActive(job.UID)
			t.Normal(t.cron, "SawCompletedJob", "Saw completed job: %s, condition: %v", job.Name, end)
		}
		t.noteSuccess(job)
	}
	for _, ref := range slices.Clone(t.cron.Status.Active) {
		if known[ref.UID] {
			continue
		}
		// Asked of the API server itself: a Job made just now may not have come through the watch.
		_, err := t.client.BatchV1().Jobs(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			t.Normal(t.cron, "MissingJob", "Active job went missing: %v", ref.Name)
			t.dropActive(ref.UID)
		case err != nil:
			return err
		}
	}
	return nil
}

func (t *turn) noteSuccess(job *batchv1.Job) {
	last, end := t.cron.Status.LastSuccessfulTime, job.Status.CompletionTime
	if ending(job) == batchv1.JobComplete && end != nil && (last == nil || end.After(last.Time)) {
		t.cron.Status.LastSuccessfulTime, t.changed = end, true
	}
}

// keepHistory deletes the oldest of the Jobs that have ended, beyond the limits. What fails is told in an Event and tried
// again when something happens.
func (t *turn) keepHistory(ctx context.Context) {
	for end, limit := range map[batchv1.JobConditionType]*int32{
		batchv1.JobComplete: t.cron.Spec.SuccessfulJobsHistoryLimit,
		batchv1.JobFailed:   t.cron.Spec.FailedJobsHistoryLimit,
	} {
		if limit == nil {
			continue
		}
		var ended []*batchv1.Job
		for _, job := range t.jobs {
			if ending(job) == end && job.DeletionTimestamp == nil {
				ended = append(ended, job)
			}
		}
		slices.SortFunc(ended, earlier)
		for _, job := range ended[:max(0, len(ended)-int(*limit))] {
			_ = t.delete(ctx, job, "the CronJob keeps only the latest Jobs") // told in an Event
		}
	}
}

// earlier orders Jobs by their start; those that never started come last.
func earlier(a, b *batchv1.Job) int {
	switch x, y := a.Status.StartTime, b.Status.StartTime; {
	case x == nil && y != nil:
		return 1
	case x != nil && y == nil:
		return -1
	case x == nil || x.Equal(y):
		return cmp.Compare(a.Name, b.Name)
	default:
		return x.Compare(y.Time)
	}
}

func (t *turn) delete(ctx context.Context, job *batchv1.Job, why string) error {
	background := metav1.DeletePropagationBackground // the default of Jobs would leave the pods behind
	err := t.client.BatchV1().Jobs(job.Namespace).Delete(ctx, job.Name, metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Warning(t.cron, "FailedDelete", "Deleted job: %v", err)
		return err
	}
	t.dropActive(job.UID)
	t.Normal(t.cron, "SuccessfulDelete", "Deleted job %v", job.Name)
	t.decide(job.Name, "Delete", "SuccessfulDelete", why)
	return nil
}
