package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	batchlisters "k8s.io/client-go/listers/batch/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/controller"
)

var kind = batchv1.SchemeGroupVersion.WithKind("Job")

// Controller runs the pods of Jobs.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	orphans      *controller.Loop[controller.Key] // pods whose finalizer nobody else will take off
	client       kubernetes.Interface
	jobs         batchlisters.JobLister
	pods         corelisters.PodLister
	control      controller.PodControl
	expectations *controller.Expectations
	written      *controller.Written
	backoffs     *backoffs
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	jobs, pods := cfg.Informers.Batch().V1().Jobs(), cfg.Informers.Core().V1().Pods()
	c := &Controller{
		client:       cfg.Client,
		jobs:         jobs.Lister(),
		pods:         pods.Lister(),
		expectations: controller.NewExpectations(),
		written:      controller.NewWritten(),
		backoffs:     newBackoffs(),
	}
	c.Loop = controller.NewLoop("job-controller", cfg, c.Reconcile)
	c.orphans = controller.NewLoop("job-controller", cfg, c.reconcileOrphan)
	c.orphans.Resource = "pods"
	c.control = controller.PodControl{Voice: c.Voice, Client: cfg.Client, Expectations: c.expectations, Kind: kind}
	forgetting := cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
		if gone, ok := controller.Object[metav1.Object](obj); ok {
			c.written.Forget(gone)
		}
	}}
	return c, errors.Join(
		c.FollowAll(jobs.Informer(), func(obj any) []controller.Key {
			key, _ := controller.KeyOf(obj)
			return []controller.Key{key}
		}),
		c.Follow(pods.Informer(), controller.PodHandler{
			Kind: kind.Kind, Add: c.Add, Expectations: c.expectations, Adopters: c.adopters,
		}),
		c.Follow(jobs.Informer(), forgetting),
		c.Follow(pods.Informer(), forgetting),
		c.orphans.FollowAll(pods.Informer(), c.abandoned),
		c.orphans.FollowAll(jobs.Informer(), c.abandonedBy),
	)
}

// Run implements the loop of Jobs and the one of orphans; it returns when both have ended.
func (c *Controller) Run(ctx context.Context) error {
	var orphans sync.WaitGroup
	defer orphans.Wait()
	orphans.Go(func() { _ = c.orphans.Run(ctx) }) // ends with ctx, as the loop below does
	return c.Loop.Run(ctx)
}

// adopters is every Job that could adopt a pod without a controller.
func (c *Controller) adopters(pod *corev1.Pod) []controller.Key {
	jobs, err := c.jobs.Jobs(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	return controller.Selecting(jobs, func(j *batchv1.Job) *metav1.LabelSelector { return j.Spec.Selector }, pod.Labels)
}

// Reconcile takes one Job as far as it can go now.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	job, err := c.jobs.Jobs(key.Namespace).Get(key.Name)
	switch {
	case apierrors.IsNotFound(err):
		c.expectations.Forget(key)
		c.backoffs.forget(key)
		return nil
	case err != nil:
		return err
	case managedElsewhere(job), c.written.Stale(job):
		return nil // a newer version is on its way and wakes us
	case finished(job):
		c.backoffs.forget(key)
		return nil
	}
	if satisfied, wait := c.expectations.Satisfied(key); !satisfied {
		c.AddAfter(key, wait) // usually the pod's own event comes long before
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(job.Spec.Selector)
	if err != nil {
		return controller.Terminal(fmt.Errorf("selector of Job %s: %w", key, err))
	}
	r := &round{Controller: c, key: key, job: job.DeepCopy()}
	if mode := completionMode(job); mode != batchv1.NonIndexedCompletion && mode != batchv1.IndexedCompletion {
		c.Warning(job, "UnknownCompletionMode", "Skipped Job sync because completion mode is unknown")
		return nil
	}
	fresh, err := c.claim(ctx, r, selector)
	if !fresh || err != nil {
		return err
	}
	return r.play(ctx)
}

// claim finds the pods that belong to the Job, finished ones too. It says false when the local copy is older than what we
// have written ourselves: a pod that has no finalizer any more would be counted again.
func (c *Controller) claim(ctx context.Context, r *round, selector labels.Selector) (fresh bool, err error) {
	all, err := c.pods.Pods(r.job.Namespace).List(labels.Everything())
	if err != nil {
		return false, fmt.Errorf("list pods: %w", err)
	}
	if slices.ContainsFunc(all, func(pod *corev1.Pod) bool { return metav1.IsControlledBy(pod, r.job) && c.written.Stale(pod) }) {
		return false, nil
	}
	r.pods, err = controller.Sort(ctx, controller.Claim{
		Owner: r.job, Kind: kind, Selector: selector, Finalizers: []string{batchv1.JobTrackingFinalizer},
		Fresh: func(ctx context.Context) (metav1.Object, error) {
			return c.client.BatchV1().Jobs(r.job.Namespace).Get(ctx, r.job.Name, metav1.GetOptions{})
		},
		Patch: func(ctx context.Context, name string, patch []byte) error {
			return c.patchPod(ctx, r.job.Namespace, name, patch)
		},
	}, all)
	for i, pod := range r.pods {
		if !metav1.IsControlledBy(pod, r.job) { // adopted just now; our copy is older than that
			r.pods[i] = pod.DeepCopy()
			r.pods[i].Finalizers = append(r.pods[i].Finalizers, batchv1.JobTrackingFinalizer)
		}
	}
	return true, err
}

func (c *Controller) patchPod(ctx context.Context, namespace, name string, patch []byte) error {
	pod, err := c.client.CoreV1().Pods(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return err
	}
	c.written.Wrote(pod)
	return nil
}
