package job_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/retry"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/job"
)

var ctx = context.Background()

func newJob(completions, parallelism int32, mends ...func(*batchv1.Job)) *batchv1.Job {
	limit := int32(6)
	labels := map[string]string{"batch.kubernetes.io/controller-uid": "sums-uid"}
	j := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "sums", UID: "sums-uid"},
		Spec: batchv1.JobSpec{
			Completions: &completions, Parallelism: &parallelism, BackoffLimit: &limit,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever,
					Containers:    []corev1.Container{{Name: "sum", Image: "sum:1"}},
				},
			},
		},
	}
	for _, mend := range mends {
		mend(j)
	}
	return j
}

func isIndexed(j *batchv1.Job) {
	mode := batchv1.IndexedCompletion
	j.Spec.CompletionMode = &mode
}

type lab struct {
	*controllertest.Cluster
	t *testing.T
}

func start(t *testing.T, objects ...runtime.Object) *lab {
	t.Helper()
	c := controllertest.New(t, objects...)
	jc, err := job.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(jc, c.NewKubelet())
	c.Settle()
	return &lab{c, t}
}

func (l *lab) job() *batchv1.Job {
	l.t.Helper()
	j, err := l.Client.BatchV1().Jobs("default").Get(ctx, "sums", metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return j
}

func (l *lab) edit(change func(*batchv1.Job)) {
	l.t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		j := l.job()
		change(j)
		_, err := l.Client.BatchV1().Jobs("default").Update(ctx, j, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.Settle()
}

func (l *lab) pods() []corev1.Pod {
	l.t.Helper()
	list, err := l.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return list.Items
}

func (l *lab) running() []corev1.Pod {
	return slices.DeleteFunc(l.pods(), func(p corev1.Pod) bool { return p.Status.Phase != corev1.PodRunning || p.DeletionTimestamp != nil })
}

// finish ends a pod with an exit code.
func (l *lab) finish(name string, code int32) {
	l.t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		pod, err := l.Client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		pod.Status.Phase, pod.Status.Conditions = corev1.PodSucceeded, nil
		if code != 0 {
			pod.Status.Phase = corev1.PodFailed
		}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "sum", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: metav1.Now()},
		}}}
		_, err = l.Client.CoreV1().Pods("default").UpdateStatus(ctx, pod, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.Settle()
}

// conditions are "Type=Status Reason: Message".
func (l *lab) wantConditions(want ...string) {
	l.t.Helper()
	var got []string
	for _, c := range l.job().Status.Conditions {
		got = append(got, fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

// counts is active, ready, terminating, succeeded, failed.
func (l *lab) wantCounts(active, ready, terminating, succeeded, failed int32) {
	l.t.Helper()
	s := l.job().Status
	got := []int32{s.Active, *s.Ready, *s.Terminating, s.Succeeded, s.Failed}
	if diff := cmp.Diff([]int32{active, ready, terminating, succeeded, failed}, got); diff != "" {
		l.t.Errorf("active, ready, terminating, succeeded, failed (-want +got):\n%s", diff)
	}
}

func (l *lab) wantEvent(want string) {
	l.t.Helper()
	list, err := l.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	var texts []string
	for _, e := range list.Items {
		text := fmt.Sprintf("%s %s %s: %s", e.Type, e.InvolvedObject.Kind, e.Reason, e.Message)
		if strings.HasPrefix(text, want) {
			return
		}
		texts = append(texts, text)
	}
	l.t.Errorf("no event %q in %q", want, texts)
}

func TestRunsToCompletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(3, 2))
		first := l.running()
		if len(first) != 2 {
			t.Fatalf("%d pods run, want 2", len(first))
		}
		if ref := metav1.GetControllerOf(&first[0]); ref == nil || ref.Kind != "Job" || first[0].GenerateName != "sums-" ||
			!slices.Contains(first[0].Finalizers, batchv1.JobTrackingFinalizer) {
			t.Errorf("pod is %+v", first[0].ObjectMeta)
		}
		l.wantCounts(2, 2, 0, 0, 0)
		l.finish(first[0].Name, 0)
		l.wantCounts(2, 2, 0, 1, 0)
		for _, pod := range l.running() {
			l.finish(pod.Name, 0)
		}
		l.wantCounts(0, 0, 0, 3, 0)
		l.wantConditions(
			"SuccessCriteriaMet=True CompletionsReached: Reached expected number of succeeded pods",
			"Complete=True CompletionsReached: Reached expected number of succeeded pods")
		if j := l.job(); j.Status.CompletionTime == nil || j.Status.StartTime == nil {
			t.Errorf("times %v, %v", j.Status.StartTime, j.Status.CompletionTime)
		}
		for _, pod := range l.pods() {
			if len(pod.Finalizers) != 0 {
				t.Errorf("%s keeps the finalizers %v", pod.Name, pod.Finalizers)
			}
		}
		l.wantEvent("Normal Job SuccessfulCreate: Created pod: sums-")
		l.wantEvent("Normal Job Completed: Job completed")
		records, _ := l.Decisions.Since(0)
		if last := records[len(records)-1]; last.Action != "Complete" || last.Details["succeeded"] != "3" {
			t.Errorf("last decision is %+v", last)
		}
	})
}

// TestDeletedPodsAreCounted: a pod that somebody deletes counts as failed, once, and is replaced after the back-off.
func TestDeletedPodsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(1, 1))
		if err := l.Client.CoreV1().Pods("default").Delete(ctx, l.pods()[0].Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantCounts(0, 0, 0, 0, 1)
		if got := l.pods(); len(got) != 0 {
			t.Errorf("%d pods are left", len(got))
		}
		l.Advance(time.Minute)
		l.wantCounts(1, 1, 0, 0, 1)
	})
}

func TestBackoffLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(1, 1, func(j *batchv1.Job) { *j.Spec.BackoffLimit = 2 }))
		for i, pause := range []time.Duration{10 * time.Second, 20 * time.Second} {
			l.finish(l.running()[0].Name, 1)
			l.wantCounts(0, 0, 0, 0, int32(i+1))
			l.Advance(pause - time.Second)
			if got := l.running(); len(got) != 0 {
				t.Fatalf("a new pod already before %v", pause)
			}
			l.Advance(2 * time.Second)
		}
		l.finish(l.running()[0].Name, 1)
		l.wantCounts(0, 0, 0, 0, 3)
		l.wantConditions(
			"FailureTarget=True BackoffLimitExceeded: Job has reached the specified backoff limit",
			"Failed=True BackoffLimitExceeded: Job has reached the specified backoff limit")
		l.wantEvent("Warning Job BackoffLimitExceeded: Job has reached the specified backoff limit")
	})
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(2, 2, func(j *batchv1.Job) { j.Spec.ActiveDeadlineSeconds = new(int64); *j.Spec.ActiveDeadlineSeconds = 30 }))
		l.Advance(29 * time.Second)
		l.wantConditions()
		l.Advance(2 * time.Second)
		l.wantConditions(
			"FailureTarget=True DeadlineExceeded: Job was active longer than specified deadline",
			"Failed=True DeadlineExceeded: Job was active longer than specified deadline")
		l.wantCounts(0, 0, 0, 0, 2)
		if got := l.pods(); len(got) != 0 {
			t.Errorf("%d pods are left", len(got))
		}
	})
}

func TestIndexed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(3, 3, isIndexed))
		byIndex := map[string]corev1.Pod{}
		for _, pod := range l.running() {
			byIndex[pod.Annotations[batchv1.JobCompletionIndexAnnotation]] = pod
		}
		pod := byIndex["1"]
		if len(byIndex) != 3 || pod.Labels[batchv1.JobCompletionIndexAnnotation] != "1" || pod.Spec.Hostname != "sums-1" || pod.GenerateName != "sums-1-" {
			t.Fatalf("pods %v", byIndex)
		}
		if env := pod.Spec.Containers[0].Env; len(env) != 1 || env[0].Name != "JOB_COMPLETION_INDEX" ||
			env[0].ValueFrom.FieldRef.FieldPath != "metadata.labels['batch.kubernetes.io/job-completion-index']" {
			t.Errorf("environment %+v", env)
		}
		l.finish(byIndex["0"].Name, 0)
		l.finish(byIndex["2"].Name, 0)
		if got := l.job().Status.CompletedIndexes; got != "0,2" {
			t.Errorf("completed indexes %q", got)
		}
		l.finish(byIndex["1"].Name, 1)
		l.Advance(11 * time.Second)
		again := l.running()
		if len(again) != 1 || again[0].Annotations[batchv1.JobCompletionIndexAnnotation] != "1" {
			t.Fatalf("running %v", again)
		}
		l.finish(again[0].Name, 0)
		if s := l.job().Status; s.CompletedIndexes != "0-2" || s.Succeeded != 3 || s.Failed != 1 || s.CompletionTime == nil {
			t.Errorf("status %+v", s)
		}
	})
}

func TestBackoffLimitPerIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(2, 2, isIndexed, func(j *batchv1.Job) {
			limit := int32(1)
			j.Spec.BackoffLimitPerIndex = &limit
			*j.Spec.BackoffLimit = 100
		}))
		fail := func() {
			t.Helper()
			for _, pod := range l.running() {
				if pod.Annotations[batchv1.JobCompletionIndexAnnotation] == "0" {
					l.finish(pod.Name, 1)
				}
			}
		}
		fail()
		l.Advance(11 * time.Second)
		counted := false
		for _, pod := range l.running() {
			counted = counted || pod.Annotations[batchv1.JobIndexFailureCountAnnotation] == "1"
		}
		if !counted {
			t.Error("the second pod of index 0 does not carry its failure")
		}
		fail()
		if s := l.job().Status; s.FailedIndexes == nil || *s.FailedIndexes != "0" || s.Active != 1 {
			t.Errorf("status %+v", s)
		}
		l.finish(l.running()[0].Name, 0)
		l.wantConditions("FailureTarget=True FailedIndexes: Job has failed indexes", "Failed=True FailedIndexes: Job has failed indexes")
	})
}

func TestPodFailurePolicy(t *testing.T) {
	policy := func(j *batchv1.Job) {
		j.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
			{Action: batchv1.PodFailurePolicyActionFailJob, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
				Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{42},
			}},
			{Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{
				{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue},
			}},
		}}
		failed := batchv1.Failed
		j.Spec.PodReplacementPolicy = &failed
		*j.Spec.BackoffLimit = 0
	}
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(2, 2, policy))
		name := l.running()[0].Name
		l.finish(name, 42)
		text := "Container sum for pod default/" + name + " failed with exit code 42 matching FailJob rule at index 0"
		l.wantConditions("FailureTarget=True PodFailurePolicy: "+text, "Failed=True PodFailurePolicy: "+text)
	})
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(1, 1, policy))
		pod := l.running()[0]
		pod.Status.Phase = corev1.PodFailed
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}
		if _, err := l.Client.CoreV1().Pods("default").UpdateStatus(ctx, &pod, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Advance(time.Minute)
		l.wantConditions() // the failure did not count
		l.wantCounts(1, 1, 0, 0, 0)
	})
}

func TestSuccessPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		some, count := "0,2-3", int32(1)
		l := start(t, newJob(4, 4, isIndexed, func(j *batchv1.Job) {
			j.Spec.SuccessPolicy = &batchv1.SuccessPolicy{Rules: []batchv1.SuccessPolicyRule{{SucceededIndexes: &some, SucceededCount: &count}}}
		}))
		end := func(index string) {
			for _, pod := range l.running() {
				if pod.Annotations[batchv1.JobCompletionIndexAnnotation] == index {
					l.finish(pod.Name, 0)
				}
			}
		}
		end("1")
		l.wantConditions()
		end("2")
		l.wantConditions("SuccessCriteriaMet=True SuccessPolicy: Matched rules at index 0", "Complete=True SuccessPolicy: Matched rules at index 0")
		l.wantCounts(0, 0, 0, 2, 0)
	})
}

func TestSuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yes, no := true, false
		l := start(t, newJob(2, 2, func(j *batchv1.Job) { j.Spec.Suspend = &yes }))
		if got := l.pods(); len(got) != 0 || l.job().Status.StartTime != nil {
			t.Errorf("%d pods of a suspended Job", len(got))
		}
		l.wantConditions("Suspended=True JobSuspended: Job suspended")
		l.edit(func(j *batchv1.Job) { j.Spec.Suspend = &no })
		l.wantConditions("Suspended=False JobResumed: Job resumed")
		l.wantCounts(2, 2, 0, 0, 0)
		l.edit(func(j *batchv1.Job) { j.Spec.Suspend = &yes })
		l.wantCounts(0, 0, 0, 0, 0) // not counted as failures
		l.wantEvent("Normal Job Suspended: Job suspended")
		l.wantEvent("Normal Job Resumed: Job resumed")
	})
}

func TestManagedBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := "example.com/queue"
		l := start(t, newJob(1, 1, func(j *batchv1.Job) { j.Spec.ManagedBy = &other }))
		if got := l.pods(); len(got) != 0 {
			t.Errorf("%d pods of somebody else's Job", len(got))
		}
	})
}

// TestOrphans: when the Job goes and leaves its pods, they lose the finalizer; otherwise nobody could delete them.
func TestOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(2, 2))
		if err := l.Client.BatchV1().Jobs("default").Delete(ctx, "sums", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		for _, pod := range l.pods() {
			if len(pod.Finalizers) != 0 {
				t.Errorf("%s has the finalizers %v", pod.Name, pod.Finalizers)
			}
		}
	})
}

// TestParallelismChanges: fewer active pods are wanted, then more.
func TestParallelismChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newJob(10, 5))
		for _, parallelism := range []int32{2, 7, 0, 3} {
			l.edit(func(j *batchv1.Job) { *j.Spec.Parallelism = parallelism })
			l.wantCounts(parallelism, parallelism, 0, 0, 0)
		}
	})
}

// TestConverges ends, fails and deletes pods while watches lose and repeat events: every success is counted once.
func TestConverges(t *testing.T) {
	for name, mend := range map[string]func(*batchv1.Job){"NonIndexed": func(*batchv1.Job) {}, "Indexed": isIndexed} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			synctest.Test(t, func(t *testing.T) {
				l := start(t, newJob(12, 4, mend, func(j *batchv1.Job) { *j.Spec.BackoffLimit = 1000 }))
				l.Lossy(seed)
				succeeded, failed := 0, 0
				for i := 0; i < 200 && l.job().Status.CompletionTime == nil; i++ {
					if run := l.running(); len(run) > 0 && succeeded < 12 {
						switch {
						case i%7 == 0:
							_ = l.Client.CoreV1().Pods("default").Delete(ctx, run[0].Name, metav1.DeleteOptions{})
							failed++
						case i%5 == 0:
							l.finish(run[0].Name, 1)
							failed++
						default:
							l.finish(run[0].Name, 0)
							succeeded++
						}
					}
					l.Advance(20 * time.Minute) // longer than any back-off or expectation
				}
				l.Reliable()
				l.Advance(time.Hour)
				s := l.job().Status
				if int(s.Succeeded) != 12 || succeeded != 12 || int(s.Failed) != failed || s.CompletionTime == nil || s.Active != 0 {
					t.Errorf("status %+v; %d pods were let succeed and %d fail", s, succeeded, failed)
				}
			})
		})
	}
}
