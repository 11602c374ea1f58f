package conformance_test

import (
	"fmt"
	"slices"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	batchv1client "k8s.io/client-go/kubernetes/typed/batch/v1"
)

func (r *room) jobs() batchv1client.JobInterface { return r.BatchV1().Jobs(r.ns) }

// job makes a job of two pods at a time whose pods run a script.
func (r *room) job(script string, edits ...func(*batchv1.JobSpec)) {
	r.Helper()
	must(r.jobs().Create(r.ctx, r.newJob("sum", script, edits...), metav1.CreateOptions{}))(r)
}

func (r *room) newJob(name, script string, edits ...func(*batchv1.JobSpec)) *batchv1.Job {
	two := int32(2)
	job := &batchv1.Job{ObjectMeta: r.meta(name), Spec: batchv1.JobSpec{
		Parallelism: &two, Completions: &two,
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"job": name}}, Spec: once(sh(script))},
	}}
	for _, edit := range edits {
		edit(&job.Spec)
	}
	return job
}

func indexed(n int32) func(*batchv1.JobSpec) {
	return func(s *batchv1.JobSpec) {
		s.CompletionMode, s.Completions, s.Parallelism = new(batchv1.IndexedCompletion), &n, &n
	}
}

func jobCondition(job *batchv1.Job, kind batchv1.JobConditionType) batchv1.JobCondition {
	for _, c := range job.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return batchv1.JobCondition{}
}

// finished waits until a job has completed or failed, whichever is wanted.
func (r *room) finished(want batchv1.JobConditionType) *batchv1.Job {
	r.Helper()
	return await(r, r.jobs(), "sum", func(job *batchv1.Job) bool {
		other := batchv1.JobComplete
		if want == other {
			other = batchv1.JobFailed
		}
		if c := jobCondition(job, other); c.Type != "" {
			r.Fatalf("the job is %s: %s", c.Type, c.Message)
		}
		return jobCondition(job, want).Type != ""
	})
}

func TestJobRestartsInPlace(t *testing.T) {
	r := enter(t)
	r.job("[ -e /note/been ] || { touch /note/been; exit 1; }", func(s *batchv1.JobSpec) {
		pod := &s.Template.Spec
		pod.RestartPolicy = corev1.RestartPolicyOnFailure
		pod.Volumes = []corev1.Volume{{Name: "note", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		pod.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "note", MountPath: "/note"}}
	})
	if job := r.finished(batchv1.JobComplete); job.Status.Succeeded != 2 || job.Status.Failed != 0 {
		r.Errorf("status %+v", job.Status)
	}
}

func TestJobIndexesAndHostnames(t *testing.T) {
	r := enter(t)
	r.job("hostname; echo index $JOB_COMPLETION_INDEX", indexed(3))
	if job := r.finished(batchv1.JobComplete); job.Status.CompletedIndexes != "0-2" {
		r.Errorf("completed %q", job.Status.CompletedIndexes)
	}
	var indexes []string
	for _, pod := range must(r.pods().List(r.ctx, labelled("job=sum")))(r).Items {
		index := pod.Annotations[batchv1.JobCompletionIndexAnnotation]
		indexes = append(indexes, index)
		if want := fmt.Sprintf("sum-%s\nindex %s\n", index, index); r.logs(pod.Name) != want {
			r.Errorf("%s says %q, want %q", pod.Name, r.logs(pod.Name), want)
		}
	}
	if slices.Sort(indexes); !slices.Equal(indexes, []string{"0", "1", "2"}) {
		r.Errorf("indexes %v", indexes)
	}
}

func TestJobDeleteTakesItsPods(t *testing.T) {
	r := enter(t)
	r.job("exec sleep 1000")
	awaitAll(r, r.pods(), labelled("job=sum"), func(pods []*corev1.Pod) bool { return len(pods) == 2 })
	r.ok(r.jobs().Delete(r.ctx, "sum", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)}))
	gone[*batchv1.Job](r, r.jobs(), named("sum"))
	gone[*corev1.Pod](r, r.pods(), labelled("job=sum"))
}

func TestJobAdoptsAndReleases(t *testing.T) {
	r := enter(t)
	r.job("exec sleep 1000")
	pod := r.awaitReady("job=sum", 2)[0]
	patch(r, r.pods(), pod.Name, map[string]any{"metadata": map[string]any{"ownerReferences": nil}})
	r.awaitPod(pod.Name, func(p *corev1.Pod) bool { return ownedBy("Job", p) })
	labels := map[string]any{"metadata": map[string]any{"labels": map[string]any{
		batchv1.ControllerUidLabel: nil, batchv1.JobNameLabel: nil, "controller-uid": nil, "job-name": nil,
	}}}
	patch(r, r.pods(), pod.Name, labels)
	r.awaitPod(pod.Name, func(p *corev1.Pod) bool { return metav1.GetControllerOf(p) == nil })
}

func onExitCode(action batchv1.PodFailurePolicyAction, code int32) func(*batchv1.JobSpec) {
	return func(s *batchv1.JobSpec) {
		s.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
			Action:      action,
			OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{code}},
		}}}
	}
}

func TestJobFailsEarlyOnExitCode(t *testing.T) {
	r := enter(t)
	r.job("exit 42", onExitCode(batchv1.PodFailurePolicyActionFailJob, 42))
	if c := jobCondition(r.finished(batchv1.JobFailed), batchv1.JobFailed); c.Reason != batchv1.JobReasonPodFailurePolicy {
		r.Errorf("reason %s", c.Reason)
	}
}

// A pod that is evicted does not count as a failure of the job.
func TestJobIgnoresDisruptions(t *testing.T) {
	r := enter(t)
	r.job("trap 'exit 1' TERM; while :; do [ -e /done ] && exit 0; sleep 1; done", func(s *batchv1.JobSpec) {
		s.BackoffLimit, s.Completions, s.Parallelism = new(int32), new(int32(1)), new(int32(1))
		s.Template.Spec.TerminationGracePeriodSeconds = new(int64(10))
		s.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
			Action:          batchv1.PodFailurePolicyActionIgnore,
			OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}},
		}}}
	})
	pod := r.awaitReady("job=sum", 1)[0]
	r.evict(pod.Name)
	gone[*corev1.Pod](r, r.pods(), named(pod.Name))
	next := r.awaitReady("job=sum", 1)[0]
	r.exec(next.Name, "main", "touch", "/done")
	if job := r.finished(batchv1.JobComplete); job.Status.Failed != 0 {
		r.Errorf("%d pods have failed", job.Status.Failed)
	}
}

const oddFails = "[ $((JOB_COMPLETION_INDEX % 2)) = 0 ] || exit 1"

func TestJobRunsAllIndexesWithABackoffLimitPerIndex(t *testing.T) {
	r := enter(t)
	r.job(oddFails, indexed(4), func(s *batchv1.JobSpec) { s.BackoffLimitPerIndex = new(int32) })
	job := r.finished(batchv1.JobFailed)
	if job.Status.CompletedIndexes != "0,2" || *job.Status.FailedIndexes != "1,3" || jobCondition(job, batchv1.JobFailed).Reason != batchv1.JobReasonFailedIndexes {
		r.Errorf("status %+v", job.Status)
	}
}

func TestJobFailsIndexes(t *testing.T) {
	r := enter(t)
	r.job("[ $JOB_COMPLETION_INDEX != 1 ] || exit 42", indexed(2), onExitCode(batchv1.PodFailurePolicyActionFailIndex, 42),
		func(s *batchv1.JobSpec) { s.BackoffLimitPerIndex = new(int32(3)) })
	job := r.finished(batchv1.JobFailed)
	if job.Status.CompletedIndexes != "0" || *job.Status.FailedIndexes != "1" || job.Status.Failed != 1 {
		r.Errorf("status %+v", job.Status)
	}
}

func TestJobEndsWithTooManyFailedIndexes(t *testing.T) {
	r := enter(t)
	r.job("[ $JOB_COMPLETION_INDEX = 0 ] && exec sleep 1000; exit 1", indexed(3), func(s *batchv1.JobSpec) {
		s.BackoffLimitPerIndex, s.MaxFailedIndexes = new(int32), new(int32(1))
	})
	job := r.finished(batchv1.JobFailed)
	if jobCondition(job, batchv1.JobFailed).Reason != batchv1.JobReasonMaxFailedIndexesExceeded || *job.Status.FailedIndexes != "1,2" {
		r.Errorf("status %+v", job.Status)
	}
}

func succeedsWith(rule batchv1.SuccessPolicyRule) func(*batchv1.JobSpec) {
	return func(s *batchv1.JobSpec) {
		s.SuccessPolicy = &batchv1.SuccessPolicy{Rules: []batchv1.SuccessPolicyRule{rule}}
	}
}

// zeroEnds is a job in which only the first index ever comes to an end.
const zeroEnds = "[ $JOB_COMPLETION_INDEX = 0 ] || exec sleep 1000"

func (r *room) succeededEarly(job *batchv1.Job, indexes string) {
	r.Helper()
	if c := jobCondition(job, batchv1.JobSuccessCriteriaMet); c.Reason != batchv1.JobReasonSuccessPolicy {
		r.Errorf("reason %s", c.Reason)
	}
	if job.Status.CompletedIndexes != indexes {
		r.Errorf("completed %q, want %q", job.Status.CompletedIndexes, indexes)
	}
}

func TestJobSuccessPolicyOfIndexes(t *testing.T) {
	r := enter(t)
	r.job(zeroEnds, indexed(2), succeedsWith(batchv1.SuccessPolicyRule{SucceededIndexes: new("0")}))
	r.succeededEarly(r.finished(batchv1.JobComplete), "0")
	gone[*corev1.Pod](r, r.pods(), metav1.ListOptions{LabelSelector: "job=sum", FieldSelector: "status.phase=Running"})
}

func TestJobSuccessPolicyOfACount(t *testing.T) {
	r := enter(t)
	r.job(zeroEnds, indexed(2), succeedsWith(batchv1.SuccessPolicyRule{SucceededCount: new(int32(1))}))
	r.succeededEarly(r.finished(batchv1.JobComplete), "0")
}

func TestJobSuccessPolicyWhenAllSucceed(t *testing.T) {
	r := enter(t)
	r.job("true", indexed(2), succeedsWith(batchv1.SuccessPolicyRule{SucceededIndexes: new("0-1")}))
	r.succeededEarly(r.finished(batchv1.JobComplete), "0,1")
}

func TestJobLifecycle(t *testing.T) {
	r := enter(t)
	suspended := func(name string) *batchv1.Job {
		return r.newJob(name, "true", func(s *batchv1.JobSpec) { s.Suspend = new(true) })
	}
	lifecycle(r, r.jobs(), suspended("one"))
	collection(r, r.jobs(), suspended)
	must(r.jobs().Create(r.ctx, suspended("sum"), metav1.CreateOptions{}))(r)
	await(r, r.jobs(), "sum", func(job *batchv1.Job) bool { return jobCondition(job, batchv1.JobSuspended).Type != "" })
	patch(r, r.jobs(), "sum", map[string]any{"spec": map[string]any{"suspend": false}})
	r.finished(batchv1.JobComplete)
}

func TestJobStatus(t *testing.T) {
	r := enter(t)
	r.job("exec sleep 1000")
	r.awaitReady("job=sum", 2)
	keepsConditions(r, r.jobs(), "sum", func(job *batchv1.Job) (kinds []string) {
		for _, c := range job.Status.Conditions {
			kinds = append(kinds, string(c.Type))
		}
		return kinds
	}, func(job *batchv1.Job, kind string) {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: batchv1.JobConditionType(kind), Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now(),
		})
	})
}

func TestCronJobOperations(t *testing.T) {
	r := enter(t)
	c := r.BatchV1().CronJobs(r.ns)
	make := func(name string) *batchv1.CronJob {
		return &batchv1.CronJob{ObjectMeta: r.meta(name), Spec: batchv1.CronJobSpec{
			Schedule: "0 0 1 1 *", JobTemplate: batchv1.JobTemplateSpec{Spec: r.newJob(name, "true").Spec},
		}}
	}
	lifecycle(r, c, make("yearly"))
	collection(r, c, make)
	must(c.Create(r.ctx, make("yearly"), metav1.CreateOptions{}))(r)
	last := must(c.Get(r.ctx, "yearly", metav1.GetOptions{}))(r)
	last.Status.LastScheduleTime = &metav1.Time{Time: last.CreationTimestamp.Time}
	if got := must(c.UpdateStatus(r.ctx, last, metav1.UpdateOptions{}))(r); got.Status.LastScheduleTime == nil {
		r.Errorf("status after the update: %+v", got.Status)
	}
	got := patch(r, c, "yearly", map[string]any{"status": map[string]any{"lastSuccessfulTime": "2020-01-01T00:00:00Z"}}, "status")
	if got.Status.LastSuccessfulTime == nil {
		r.Errorf("status after the patch: %+v", got.Status)
	}
}
