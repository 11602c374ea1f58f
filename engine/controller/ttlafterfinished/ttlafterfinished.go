// Package ttlafterfinished deletes Jobs some time after they have ended.
//
// # Part played
//
// The TTL-after-finished controller of kube-controller-manager.
//
// # How it works
//
// The Job sums has ttlSecondsAfterFinished: 60 and got its condition Complete at noon. Its event wakes the controller, which
// sees that 60 seconds are not over and puts the key back into the queue for a minute past noon. Then it reads the Job once
// more from the API server itself, as somebody may have raised the number meanwhile, and deletes it in the foreground: the
// pods go first.
//
// # Left out
//
// Nothing.
//
// # In Kubernetes
//
// pkg/controller/ttlafterfinished; KEP-592.
package ttlafterfinished

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	batchlisters "k8s.io/client-go/listers/batch/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// Controller deletes Jobs that ended long enough ago.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client kubernetes.Interface
	jobs   batchlisters.JobLister
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	jobs := cfg.Informers.Batch().V1().Jobs()
	c := &Controller{client: cfg.Client, jobs: jobs.Lister()}
	c.Loop = controller.NewLoop("ttl-after-finished-controller", cfg, c.Reconcile)
	c.Resource = "jobs"
	return c, c.FollowAll(jobs.Informer(), func(obj any) []controller.Key {
		if _, due := dueAt(obj.(*batchv1.Job)); !due {
			return nil
		}
		key, _ := controller.KeyOf(obj)
		return []controller.Key{key}
	})
}

// Reconcile deletes the Job when its time has come.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	job, err := c.jobs.Jobs(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || !c.expired(key, job) {
		return err
	}
	fresh, err := c.client.BatchV1().Jobs(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read Job %s: %w", key, err)
	}
	if !c.expired(key, fresh) {
		return nil
	}
	return c.delete(ctx, fresh)
}

func (c *Controller) delete(ctx context.Context, job *batchv1.Job) error {
	foreground := metav1.DeletePropagationForeground
	err := c.client.BatchV1().Jobs(job.Namespace).Delete(ctx, job.Name, metav1.DeleteOptions{
		PropagationPolicy: &foreground, Preconditions: metav1.NewUIDPreconditions(string(job.UID)),
	})
	if err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("delete Job %s/%s: %w", job.Namespace, job.Name, err)
	}
	c.Decide(decision.Record{
		Object: controller.Refer("jobs", job), Action: "Delete", Reason: "TTLSecondsAfterFinished",
		Message: fmt.Sprintf("the Job has ended %d s ago or longer", *job.Spec.TTLSecondsAfterFinished),
	})
	return nil
}

// expired says whether the Job is to be deleted now; if that is later, it comes back then.
func (c *Controller) expired(key controller.Key, job *batchv1.Job) bool {
	at, due := dueAt(job)
	if !due {
		return false
	}
	left := time.Until(at)
	if left > 0 {
		c.AddAfter(key, left)
	}
	return left <= 0
}

// dueAt is when the Job is to be deleted, if it ever is.
func dueAt(job *batchv1.Job) (time.Time, bool) {
	if job.DeletionTimestamp != nil || job.Spec.TTLSecondsAfterFinished == nil {
		return time.Time{}, false
	}
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Add(time.Duration(*job.Spec.TTLSecondsAfterFinished) * time.Second), true
		}
	}
	return time.Time{}, false
}
