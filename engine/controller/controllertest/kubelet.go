package controllertest

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// Kubelet plays all nodes at once: pods become Running and Ready as soon as they exist, and go when their end is asked
// for. Pods without a node count as being on one.
type Kubelet struct {
	cluster *Cluster

	mu sync.Mutex
	// guarded by mu
	unready func(*corev1.Pod) bool
}

// NewKubelet makes a kubelet; give it to Start.
func (c *Cluster) NewKubelet() *Kubelet {
	return &Kubelet{cluster: c, unready: func(*corev1.Pod) bool { return false }}
}

// Unready makes pods that begin from now on run without becoming ready, if fn says so.
func (k *Kubelet) Unready(fn func(*corev1.Pod) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unready = fn
}

// Run implements Runner.
func (k *Kubelet) Run(ctx context.Context) error {
	w := k.cluster.tracker.watchPods()
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-w.ResultChan():
			if e.Type == watch.Added || e.Type == watch.Modified {
				k.sync(ctx, e.Object.(*corev1.Pod))
			}
		}
	}
}

func (k *Kubelet) sync(ctx context.Context, pod *corev1.Pod) {
	k.mu.Lock()
	unready := k.unready(pod)
	k.mu.Unlock()
	pods := k.cluster.Client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.DeletionTimestamp != nil && len(pod.Finalizers) == 0:
		now := int64(0)
		_ = pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}) // gone already is fine too
	case pod.DeletionTimestamp == nil && pod.Status.Phase == "":
		pod.Status.Phase = corev1.PodRunning
		status := corev1.ConditionTrue
		if unready {
			status = corev1.ConditionFalse
		}
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.Now(),
		})
		pod.ResourceVersion = ""
		_, _ = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{}) // deleted meanwhile: nothing to report
	}
}
