package cronjob

import (
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	batchlisters "k8s.io/client-go/listers/batch/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

var kind = batchv1.SchemeGroupVersion.WithKind("CronJob")

// Controller starts the Jobs of CronJobs.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client  kubernetes.Interface
	crons   batchlisters.CronJobLister
	jobs    batchlisters.JobLister
	written *controller.Written
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	crons, jobs := cfg.Informers.Batch().V1().CronJobs(), cfg.Informers.Batch().V1().Jobs()
	c := &Controller{client: cfg.Client, crons: crons.Lister(), jobs: jobs.Lister(), written: controller.NewWritten()}
	c.Loop = controller.NewLoop("cronjob-controller", cfg, c.Reconcile)
	return c, errors.Join(
		c.FollowAll(crons.Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.FollowAll(jobs.Informer(), func(obj any) []controller.Key {
			job := obj.(*batchv1.Job)
			if ref := metav1.GetControllerOfNoCopy(job); ref != nil && ref.Kind == kind.Kind {
				return []controller.Key{{Namespace: job.Namespace, Name: ref.Name}}
			}
			return nil
		}),
		c.Follow(crons.Informer(), cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
			if gone, ok := controller.Object[*batchv1.CronJob](obj); ok {
				c.written.Forget(gone)
			}
		}}),
	)
}

// Reconcile starts the Job that is due, if one is, and comes back when the next one will be.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	cached, err := c.crons.CronJobs(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil // the garbage collector takes its Jobs
	}
	if err != nil {
		return err
	}
	if c.written.Stale(cached) {
		return nil // its own event wakes us when the local copy has caught up
	}
	t := &turn{Controller: c, key: key, cron: cached.DeepCopy()}
	if err := t.findJobs(); err != nil {
		return err
	}
	t.keepHistory(ctx)
	err = t.keepActive(ctx)
	if err == nil && t.cron.DeletionTimestamp == nil {
		err = t.serve(ctx)
	}
	return errors.Join(err, t.save(ctx))
}

// turn is one look at one CronJob and its Jobs.
type turn struct {
	*Controller
	key     controller.Key
	cron    *batchv1.CronJob // our own copy
	jobs    []*batchv1.Job   // shared with the informer
	changed bool             // the status differs from the API server's
}

func (t *turn) findJobs() error {
	all, err := t.Controller.jobs.Jobs(t.key.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list Jobs: %w", err)
	}
	for _, job := range all {
		if metav1.IsControlledBy(job, t.cron) {
			t.jobs = append(t.jobs, job)
		}
	}
	return nil
}

func (t *turn) save(ctx context.Context) error {
	if !t.changed {
		return nil
	}
	updated, err := t.client.BatchV1().CronJobs(t.key.Namespace).UpdateStatus(ctx, t.cron, metav1.UpdateOptions{})
	if err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("update status: %w", err)
	}
	t.written.Wrote(updated)
	return nil
}
