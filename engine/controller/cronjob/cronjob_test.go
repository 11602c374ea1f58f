package cronjob_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/cronjob"
)

var ctx = context.Background()

// The time within synctest begins at 2000-01-01 00:00:00 UTC, which is minute 15778080.

func newCron(schedule string, mends ...func(*batchv1.CronJob)) *batchv1.CronJob {
	three, one := int32(3), int32(1)
	c := &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "report", UID: "report-uid"},
		Spec: batchv1.CronJobSpec{
			Schedule: schedule, ConcurrencyPolicy: batchv1.AllowConcurrent, SuccessfulJobsHistoryLimit: &three, FailedJobsHistoryLimit: &one,
			JobTemplate: batchv1.JobTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "report"}}},
		},
	}
	for _, mend := range mends {
		mend(c)
	}
	return c
}

type lab struct {
	*controllertest.Cluster
	t *testing.T
}

func start(t *testing.T, c *batchv1.CronJob) *lab {
	t.Helper()
	cluster := controllertest.New(t, c)
	cc, err := cronjob.New(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	cluster.Start(cc)
	cluster.Settle()
	return &lab{cluster, t}
}

func (l *lab) cron() *batchv1.CronJob {
	l.t.Helper()
	c, err := l.Client.BatchV1().CronJobs("default").Get(ctx, "report", metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

func (l *lab) jobs() []string {
	l.t.Helper()
	list, err := l.Client.BatchV1().Jobs("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	var names []string
	for _, j := range list.Items {
		names = append(names, strings.TrimPrefix(j.Name, "report-157780"))
	}
	slices.Sort(names)
	return names
}

func (l *lab) wantJobs(want ...string) {
	l.t.Helper()
	if got := l.jobs(); !slices.Equal(got, want) {
		l.t.Errorf("Jobs of the minutes %q, want %q", got, want)
	}
}

func (l *lab) end(minute string, how batchv1.JobConditionType) {
	l.t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		j, err := l.Client.BatchV1().Jobs("default").Get(ctx, "report-157780"+minute, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.Now()
		j.Status = batchv1.JobStatus{StartTime: &now, Conditions: []batchv1.JobCondition{{Type: how, Status: corev1.ConditionTrue}}}
		if how == batchv1.JobComplete {
			j.Status.CompletionTime = &now
		}
		_, err = l.Client.BatchV1().Jobs("default").UpdateStatus(ctx, j, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.Settle()
}

func (l *lab) events() []string {
	l.t.Helper()
	list, err := l.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	var reasons []string
	for _, e := range list.Items {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

func TestFiresOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newCron("*/5 * * * *"))
		l.Advance(4*time.Minute + 59*time.Second)
		l.wantJobs()
		l.Advance(2 * time.Second)
		l.wantJobs("85")
		job, err := l.Client.BatchV1().Jobs("default").Get(ctx, "report-15778085", metav1.GetOptions{})
		if err != nil || job.Labels["app"] != "report" || !metav1.IsControlledBy(job, l.cron()) ||
			job.Annotations[batchv1.CronJobScheduledTimestampAnnotation] != "2000-01-01T00:05:00Z" {
			t.Errorf("job %+v, %v", job.ObjectMeta, err)
		}
		if s := l.cron().Status; len(s.Active) != 1 || s.Active[0].Name != "report-15778085" || s.LastScheduleTime.Minute() != 5 {
			t.Errorf("status %+v", s)
		}
		l.end("85", batchv1.JobComplete)
		if s := l.cron().Status; len(s.Active) != 0 || s.LastSuccessfulTime == nil {
			t.Errorf("status %+v", s)
		}
		l.Advance(5 * time.Minute)
		l.wantJobs("85", "90")
		for _, reason := range []string{"SuccessfulCreate", "SawCompletedJob"} {
			if !slices.Contains(l.events(), reason) {
				t.Errorf("no event %s in %q", reason, l.events())
			}
		}
	})
}

func TestConcurrency(t *testing.T) {
	for policy, want := range map[batchv1.ConcurrencyPolicy][]string{
		batchv1.AllowConcurrent: {"81", "82"}, batchv1.ForbidConcurrent: {"81"}, batchv1.ReplaceConcurrent: {"82"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := start(t, newCron("* * * * *", func(c *batchv1.CronJob) { c.Spec.ConcurrencyPolicy = policy }))
				l.Advance(2*time.Minute + time.Second)
				l.wantJobs(want...)
				if policy == batchv1.ForbidConcurrent {
					if !slices.Contains(l.events(), "JobAlreadyActive") {
						t.Errorf("events %q", l.events())
					}
					l.end("81", batchv1.JobFailed) // the missed time is served late
					l.wantJobs("81", "82")
				}
			})
		})
	}
}

func TestTimeZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seoul := "Asia/Seoul" // nine hours ahead
		l := start(t, newCron("30 9 * * *", func(c *batchv1.CronJob) { c.Spec.TimeZone = &seoul }))
		l.Advance(30*time.Minute + time.Second)
		l.wantJobs("report-15778110")
		job, err := l.Client.BatchV1().Jobs("default").Get(ctx, "report-15778110", metav1.GetOptions{})
		if err != nil || job.Annotations[batchv1.CronJobScheduledTimestampAnnotation] != "2000-01-01T09:30:00+09:00" {
			t.Errorf("job %+v, %v", job.Annotations, err)
		}
	})
}

// TestMissedTimes: of many missed times the most recent is served, if it is not too late.
func TestMissedTimes(t *testing.T) {
	created := func(c *batchv1.CronJob) {
		c.CreationTimestamp = metav1.NewTime(time.Now().Add(-24*time.Hour - 30*time.Second))
	}
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newCron("* * * * *", created))
		l.wantJobs("80")
		if !slices.Contains(l.events(), "TooManyMissedTimes") {
			t.Errorf("events %q", l.events())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		deadline := int64(10)
		l := start(t, newCron("59 23 * * *", created, func(c *batchv1.CronJob) { c.Spec.StartingDeadlineSeconds = &deadline }))
		l.wantJobs()
	})
}

func TestHistoryLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newCron("* * * * *", func(c *batchv1.CronJob) { *c.Spec.SuccessfulJobsHistoryLimit = 2 }))
		for _, minute := range []string{"81", "82", "83", "84", "85"} {
			l.Advance(time.Minute + time.Second)
			how := batchv1.JobComplete
			if minute == "81" || minute == "83" {
				how = batchv1.JobFailed
			}
			l.end(minute, how)
		}
		l.wantJobs("83", "84", "85")
	})
}

func TestSuspendAndMistakes(t *testing.T) {
	yes, nowhere := true, "Atlantis/Centre"
	for reason, mend := range map[string]func(*batchv1.CronJob){
		"":                    func(c *batchv1.CronJob) { c.Spec.Suspend = &yes },
		"UnknownTimeZone":     func(c *batchv1.CronJob) { c.Spec.TimeZone = &nowhere },
		"UnparseableSchedule": func(c *batchv1.CronJob) { c.Spec.Schedule = "every now and then" },
	} {
		synctest.Test(t, func(t *testing.T) {
			l := start(t, newCron("* * * * *", mend))
			l.Advance(10 * time.Minute)
			l.wantJobs()
			if reason != "" && !slices.Contains(l.events(), reason) {
				t.Errorf("events %q, want %s", l.events(), reason)
			}
		})
	}
}

// TestConverges: each time is served once while watches lose and repeat events.
func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newCron("* * * * *", func(c *batchv1.CronJob) { *c.Spec.SuccessfulJobsHistoryLimit = 100 }))
		l.Lossy(seed)
		for range 15 {
			l.Advance(time.Minute)
			for _, minute := range l.jobs() {
				l.end(minute, batchv1.JobComplete)
			}
		}
		l.Reliable()
		l.Advance(time.Second)
		if got := len(l.jobs()); got != 15 {
			t.Errorf("%d Jobs in 15 minutes: %q", got, l.jobs())
		}
	})
}
