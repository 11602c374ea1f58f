package cronjob

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// serve starts the Job of the most recent time that has not been served, and arranges to be woken for the next one. What only
// an edit can mend is told in an Event and is no error.
func (t *turn) serve(ctx context.Context) error {
	schedule, ok := t.schedule()
	if !ok {
		return nil
	}
	now := time.Now()
	due, ok := t.due(schedule, now)
	if !ok {
		return nil
	}
	if due != nil && t.mayStart(*due, now) {
		if err := t.start(ctx, *due); err != nil {
			return err
		}
	}
	t.AddAfter(t.key, untilNext(t.cron, schedule, now))
	return nil
}

// schedule is false when there is none to follow.
func (t *turn) schedule() (cron.Schedule, bool) {
	spec := &t.cron.Spec
	if spec.TimeZone != nil {
		if _, err := time.LoadLocation(*spec.TimeZone); err != nil {
			t.Warning(t.cron, "UnknownTimeZone", "invalid timeZone: %q: %s", *spec.TimeZone, err)
			return nil, false
		}
	}
	if spec.Suspend != nil && *spec.Suspend {
		return nil, false
	}
	schedule, err := parse(spec)
	if err != nil {
		t.Warning(t.cron, "UnparseableSchedule", "unparseable schedule: %q : %s", spec.Schedule, err)
		return nil, false
	}
	return schedule, true
}

// due is the time to be served, nil when there is none yet; it is false when the schedule makes no sense.
func (t *turn) due(schedule cron.Schedule, now time.Time) (*time.Time, bool) {
	m, err := findMissed(t.cron, schedule, now, true)
	if err != nil {
		t.Warning(t.cron, "InvalidSchedule", "invalid schedule: %s : %s", t.cron.Spec.Schedule, err)
		return nil, false
	}
	if m.recent != nil && m.count > manyMissed {
		t.Warning(t.cron, "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")
	}
	return m.recent, true
}

// mayStart says whether the Job of a time may be started.
func (t *turn) mayStart(due, now time.Time) bool {
	spec, status := &t.cron.Spec, &t.cron.Status
	name := jobName(t.cron, due)
	switch {
	case spec.StartingDeadlineSeconds != nil && due.Add(time.Duration(*spec.StartingDeadlineSeconds)*time.Second).Before(now):
		t.Warning(t.cron, "MissSchedule", "Missed scheduled time to start a job: %s", due.UTC().Format(time.RFC1123Z))
		return false
	case slices.ContainsFunc(status.Active, func(r corev1.ObjectReference) bool { return r.Name == name }),
		status.LastScheduleTime.Equal(&metav1.Time{Time: due}):
		return false // served already
	case spec.ConcurrencyPolicy == batchv1.ForbidConcurrent && len(status.Active) > 0:
		t.Normal(t.cron, "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid")
		t.decide(name, "Skip", "JobAlreadyActive", "the Job of the time before still runs")
		return false
	}
	return true
}

// start creates the Job, after it has deleted those that it replaces.
func (t *turn) start(ctx context.Context, due time.Time) error {
	if t.cron.Spec.ConcurrencyPolicy == batchv1.ReplaceConcurrent {
		if err := t.replaceActive(ctx); err != nil {
			return err
		}
	}
	jobs := t.client.BatchV1().Jobs(t.key.Namespace)
	job, err := jobs.Create(ctx, newJob(t.cron, due), metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		// Ours, from before the status was written; or somebody else's, and then it is not our business.
		job, err = jobs.Get(ctx, jobName(t.cron, due), metav1.GetOptions{})
		if err != nil || !metav1.IsControlledBy(job, t.cron) || t.isActive(job) {
			return err
		}
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return err
	case err != nil:
		t.Warning(t.cron, "FailedCreate", "Error creating job: %v", err)
		return err
	default:
		t.Normal(t.cron, "SuccessfulCreate", "Created job %v", job.Name)
		t.decide(job.Name, "Create", "SuccessfulCreate", fmt.Sprintf("the schedule %q says %s", t.cron.Spec.Schedule, due.Format(time.RFC3339)))
	}
	t.cron.Status.Active = append(t.cron.Status.Active, corev1.ObjectReference{
		Kind: "Job", APIVersion: batchv1.SchemeGroupVersion.String(),
		Namespace: job.Namespace, Name: job.Name, UID: job.UID, ResourceVersion: job.ResourceVersion,
	})
	t.cron.Status.LastScheduleTime = &metav1.Time{Time: due}
	t.changed = true
	return nil
}

func (t *turn) replaceActive(ctx context.Context) error {
	for _, ref := range slices.Clone(t.cron.Status.Active) {
		job, err := t.client.BatchV1().Jobs(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			t.Warning(t.cron, "FailedGet", "Get job: %v", err)
			return err
		}
		if err := t.delete(ctx, job, "the Job of the next time replaces it"); err != nil {
			return fmt.Errorf("could not replace job %s/%s: %w", job.Namespace, job.Name, err)
		}
	}
	return nil
}

// newJob makes a Job of the template; its name says for which time it is.
func newJob(c *batchv1.CronJob, due time.Time) *batchv1.Job {
	template := c.Spec.JobTemplate.DeepCopy()
	annotations := maps.Clone(template.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	zone, err := time.LoadLocation(ptr.Deref(c.Spec.TimeZone, ""))
	if err != nil {
		zone = time.UTC // schedule has let only known zones through
	}
	annotations[batchv1.CronJobScheduledTimestampAnnotation] = due.In(zone).Format(time.RFC3339)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.Namespace, Name: jobName(c, due), Labels: template.Labels, Annotations: annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(c, kind)},
		},
		Spec: template.Spec,
	}
}

func jobName(c *batchv1.CronJob, due time.Time) string {
	return fmt.Sprintf("%s-%d", c.Name, due.Unix()/60)
}

func (t *turn) decide(job, action, reason, why string) {
	t.Decide(decision.Record{
		Object: decision.Object{Resource: "jobs", Namespace: t.key.Namespace, Name: job},
		Action: action, Reason: reason, Message: why, Cause: controller.Refer("cronjobs", t.cron),
	})
}
