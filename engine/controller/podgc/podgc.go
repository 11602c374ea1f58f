// Package podgc deletes pods that nobody else will.
//
// # Part played
//
// The pod garbage collector of kube-controller-manager.
//
// # How it works
//
// A pod ends when its kubelet says so. Four kinds of pod have no kubelet that ever will:
//
//   - The node was removed from the cluster. Its pods still say Running. After 40 seconds (the node may only be late), and
//     when the API server itself confirms that there is no such node, they are marked Failed, with the condition
//     DisruptionTarget, and deleted.
//   - The node is not ready and somebody has put the taint node.kubernetes.io/out-of-service on it, which is a promise that it is
//     switched off. Its pods that are being deleted are deleted at once. This is what lets a StatefulSet replace a pod.
//   - The pod was deleted before it had a node.
//   - The pod has ended long ago, and there are more of those than the threshold: the oldest go, evicted ones first.
//
// # Left out
//
// Nothing. (Kubernetes looks every 20 seconds; here a change of a pod or a node wakes it.)
//
// # In Kubernetes
//
// pkg/controller/podgc.
package podgc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

const (
	// quarantine is how long a node may be missing before its pods are taken for lost.
	quarantine = 40 * time.Second
	// defaultThreshold is how many ended pods are kept.
	defaultThreshold = 12500
)

// Options are what a user may set.
type Options struct {
	// Threshold is how many pods that have ended are kept; 0 means 12,500, less than 0 all of them.
	Threshold int
}

// theEnded is the key for "are there too many pods that have ended?"; no pod has an empty name.
var theEnded = controller.Key{}

// Controller deletes pods.
type Controller struct {
	// set once in New
	*controller.Loop[controller.Key]
	client    kubernetes.Interface
	pods      corelisters.PodLister
	nodes     corelisters.NodeLister
	threshold int

	mu sync.Mutex
	// guarded by mu
	missing map[string]time.Time // since when a node that pods name is not there
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config, o Options) (*Controller, error) {
	core := cfg.Informers.Core().V1()
	c := &Controller{
		client: cfg.Client, pods: core.Pods().Lister(), nodes: core.Nodes().Lister(),
		threshold: cmp.Or(o.Threshold, defaultThreshold), missing: map[string]time.Time{},
	}
	c.Loop = controller.NewLoop("pod-garbage-collector", cfg, c.Reconcile)
	c.Resource = "pods"
	return c, errors.Join(
		c.FollowAll(core.Pods().Informer(), func(obj any) []controller.Key {
			pod := obj.(*corev1.Pod)
			keys := []controller.Key{{Namespace: pod.Namespace, Name: pod.Name}}
			if controller.TerminalPod(pod) {
				keys = append(keys, theEnded)
			}
			return keys
		}),
		c.FollowAll(core.Nodes().Informer(), c.podsOn),
	)
}

// podsOn is the pods of a node that is gone or out of service.
func (c *Controller) podsOn(obj any) []controller.Key {
	name := obj.(*corev1.Node).Name
	if node, err := c.nodes.Get(name); err == nil && !outOfService(node) {
		return nil
	}
	pods, err := c.pods.List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var keys []controller.Key
	for _, pod := range pods {
		if pod.Spec.NodeName == name {
			keys = append(keys, controller.Key{Namespace: pod.Namespace, Name: pod.Name})
		}
	}
	return keys
}

// Reconcile deletes one pod if nobody else will, or the oldest of those that have ended.
func (c *Controller) Reconcile(ctx context.Context, key controller.Key) error {
	if key == theEnded {
		return c.keepRecent(ctx)
	}
	pod, err := c.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	ending := pod.DeletionTimestamp != nil
	if pod.Spec.NodeName == "" {
		if ending {
			return c.delete(ctx, pod, "UnscheduledTerminating", "the pod was deleted before it had a node")
		}
		return nil
	}
	node, err := c.nodes.Get(pod.Spec.NodeName)
	switch {
	case apierrors.IsNotFound(err):
		return c.orphan(ctx, key, pod)
	case err != nil:
		return err
	}
	c.seen(node.Name)
	if ending && outOfService(node) {
		return c.delete(ctx, pod, "OutOfService", fmt.Sprintf("node %s is out of service", node.Name))
	}
	return nil
}

// outOfService: not ready, and somebody vouches that it is switched off.
func outOfService(node *corev1.Node) bool {
	ready := slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
	return !ready && slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeOutOfService })
}

// seen ends a node's quarantine.
func (c *Controller) seen(node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.missing, node)
}

// quarantined is how long a missing node is still waited for.
func (c *Controller) quarantined(node string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	since, known := c.missing[node]
	if !known {
		since = time.Now()
		c.missing[node] = since
	}
	return max(0, time.Until(since.Add(quarantine)))
}

// orphan deletes a pod whose node is gone for good.
func (c *Controller) orphan(ctx context.Context, key controller.Key, pod *corev1.Pod) error {
	if left := c.quarantined(pod.Spec.NodeName); left > 0 {
		c.AddAfter(key, left)
		return nil
	}
	_, err := c.client.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		return err // nil: it is there, and the local copy will show it
	}
	marked := pod.DeepCopy()
	condition := corev1.PodCondition{
		Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now(), ObservedGeneration: pod.Generation,
		Reason: "DeletionByPodGC", Message: "PodGC: node no longer exists",
	}
	if old := controller.PodCondition(marked, corev1.DisruptionTarget); old != nil {
		*old = condition
	} else {
		marked.Status.Conditions = append(marked.Status.Conditions, condition)
	}
	return c.delete(ctx, marked, "Orphaned", fmt.Sprintf("node %s no longer exists", pod.Spec.NodeName))
}

// keepRecent deletes the oldest of the pods that have ended, beyond the threshold.
func (c *Controller) keepRecent(ctx context.Context) error {
	pods, err := c.pods.List(labels.Everything())
	if err != nil || c.threshold < 0 {
		return err
	}
	ended := slices.DeleteFunc(pods, func(pod *corev1.Pod) bool { return !controller.TerminalPod(pod) })
	slices.SortFunc(ended, func(a, b *corev1.Pod) int {
		return cmp.Or(-cmp.Compare(evicted(a), evicted(b)), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	var errs []error
	for _, pod := range ended[:max(0, len(ended)-c.threshold)] {
		errs = append(errs, c.delete(ctx, pod, "Terminated", fmt.Sprintf("%d pods that have ended are kept", c.threshold)))
	}
	return errors.Join(errs...)
}

func evicted(pod *corev1.Pod) int {
	if pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted" {
		return 1
	}
	return 0
}

// delete ends a pod without waiting for a kubelet. One that is left behind by it, because of a finalizer, must not look as if
// it ran: it is marked as failed first.
func (c *Controller) delete(ctx context.Context, pod *corev1.Pod, reason, why string) error {
	client, now := c.client.CoreV1().Pods(pod.Namespace), int64(0)
	if !controller.TerminalPod(pod) {
		pod = pod.DeepCopy()
		pod.Status.Phase = corev1.PodFailed
		if _, err := client.UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
			return ignoreNotFound(fmt.Errorf("mark pod %s as failed: %w", pod.Name, err))
		}
	}
	err := client.Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if err != nil {
		return ignoreNotFound(fmt.Errorf("delete pod %s: %w", pod.Name, err))
	}
	c.Decide(decision.Record{Object: controller.Refer("pods", pod), Action: "Delete", Reason: reason, Message: why})
	return nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
