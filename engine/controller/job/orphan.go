package job

import (
	"context"
	"encoding/json"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"drydock/engine/controller"
)

// tracked says whether the pod still has to be counted.
func tracked(pod *corev1.Pod) bool {
	return slices.Contains(pod.Finalizers, batchv1.JobTrackingFinalizer)
}

// untrack takes the finalizer off a pod. A pod that is gone is fine.
func (c *Controller) untrack(ctx context.Context, pod *corev1.Pod) error {
	if !tracked(pod) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"$deleteFromPrimitiveList/finalizers": []string{batchv1.JobTrackingFinalizer},
	}})
	if err != nil {
		return err
	}
	if err := c.patchPod(ctx, pod.Namespace, pod.Name, patch); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return nil
}

// A tracked pod whose Job is gone, has ended or has let go of it would keep its finalizer, and so itself, for ever.

// abandoned is the pod's own key when nobody counts it any more.
func (c *Controller) abandoned(obj any) []controller.Key {
	pod := obj.(*corev1.Pod)
	if !tracked(pod) || c.counted(pod) {
		return nil
	}
	return []controller.Key{{Namespace: pod.Namespace, Name: pod.Name}}
}

// abandonedBy is the pods of a Job that ended or is gone.
func (c *Controller) abandonedBy(obj any) []controller.Key {
	job := obj.(*batchv1.Job)
	pods, err := c.pods.Pods(job.Namespace).List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var keys []controller.Key
	for _, pod := range pods {
		if metav1.IsControlledBy(pod, job) {
			keys = append(keys, c.abandoned(pod)...)
		}
	}
	return keys
}

// counted says whether the pod belongs to a Job that will still count it, or to somebody else's Job.
func (c *Controller) counted(pod *corev1.Pod) bool {
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil {
		return false
	}
	if ref.Kind != kind.Kind || ref.APIVersion != kind.GroupVersion().String() {
		return true
	}
	job, err := c.jobs.Jobs(pod.Namespace).Get(ref.Name)
	if err != nil || job.UID != ref.UID {
		return false
	}
	return managedElsewhere(job) || !finished(job)
}

func (c *Controller) reconcileOrphan(ctx context.Context, key controller.Key) error {
	pod, err := c.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil || c.counted(pod) {
		return err
	}
	return c.untrack(ctx, pod)
}
