package ttlafterfinished_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/ttlafterfinished"
)

func TestDeletesWhenTheTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, seconds := context.Background(), int32(60)
		ended := []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
		job := func(name string, ttl *int32, conditions []batchv1.JobCondition) *batchv1.Job {
			return &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
				Spec:       batchv1.JobSpec{TTLSecondsAfterFinished: ttl}, Status: batchv1.JobStatus{Conditions: conditions},
			}
		}
		c := controllertest.New(t, job("due", &seconds, ended), job("kept", nil, ended), job("runs", &seconds, nil))
		ttl, err := ttlafterfinished.New(c.Config())
		if err != nil {
			t.Fatal(err)
		}
		c.Start(ttl)
		ending := func(name string) bool {
			j, err := c.Client.BatchV1().Jobs("default").Get(ctx, name, metav1.GetOptions{})
			return err != nil || j.DeletionTimestamp != nil
		}
		c.Advance(59 * time.Second)
		if ending("due") {
			t.Error("deleted too early")
		}
		// Somebody gives it ten seconds more at the last moment.
		j, err := c.Client.BatchV1().Jobs("default").Get(ctx, "due", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		*j.Spec.TTLSecondsAfterFinished = 70
		if _, err := c.Client.BatchV1().Jobs("default").Update(ctx, j, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(5 * time.Second)
		if ending("due") {
			t.Error("deleted although its time was prolonged")
		}
		c.Advance(7 * time.Second)
		if !ending("due") || ending("kept") || ending("runs") {
			t.Errorf("ending: due %t, kept %t, runs %t", ending("due"), ending("kept"), ending("runs"))
		}
	})
}
