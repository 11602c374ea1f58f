package engine_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"drydock/engine/controller/controllertest"
)

// nodes plays the kubelets of all nodes that have power: they give signs of life, run their pods and end them.
type nodes struct {
	cluster *controllertest.Cluster

	mu sync.Mutex
	// guarded by mu
	on    map[string]bool
	began map[string]time.Time // when a node got its power
	given int                  // addresses of pods
}

func newNodes(c *controllertest.Cluster) *nodes {
	n := &nodes{cluster: c, on: map[string]bool{}, began: map[string]time.Time{}}
	for i := range stormNodes {
		n.power(nodeName(i), true)
	}
	return n
}

func nodeName(i int) string { return fmt.Sprintf("node-%d", i+1) }

func intOrString(n int) intstr.IntOrString { return intstr.FromInt32(int32(n)) }

// leavesSilentNodes is what admission adds to a pod, with a shorter wait.
func leavesSilentNodes() []corev1.Toleration {
	seconds := int64(30)
	var all []corev1.Toleration
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		all = append(all, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds})
	}
	return all
}

func (n *nodes) power(name string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if on && !n.on[name] {
		n.began[name] = time.Now()
	}
	n.on[name] = on
}

func (n *nodes) hasPower(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.on[name]
}

// Run implements controllertest.Runner.
func (n *nodes) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for round := 0; ; round++ {
		for i := range stormNodes {
			if name := nodeName(i); round%5 == 0 && n.hasPower(name) {
				n.beat(ctx, name)
			}
		}
		n.syncPods(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// beat registers the node, says that it is ready, and renews its Lease. What fails is done at the next beat.
func (n *nodes) beat(ctx context.Context, name string) {
	all := n.cluster.Client.CoreV1().Nodes()
	node, err := all.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		node = &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
		node.Status.Allocatable = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("4Gi"), corev1.ResourcePods: *resource.NewQuantity(nodeTakes, resource.DecimalSI),
		}
		node.Status.Capacity = node.Status.Allocatable
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}}
		_, _ = all.Create(ctx, node, metav1.CreateOptions{})
		return
	}
	if ready := &node.Status.Conditions[0]; ready.Status != corev1.ConditionTrue {
		ready.Status, ready.Reason, ready.LastTransitionTime = corev1.ConditionTrue, "KubeletReady", metav1.Now()
		_, _ = all.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	}
	leases, now := n.cluster.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease), metav1.NowMicro()
	lease, err := leases.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: name}}
		lease.Spec.RenewTime = &now
		_, _ = leases.Create(ctx, lease, metav1.CreateOptions{})
		return
	}
	lease.Spec.RenewTime = &now
	_, _ = leases.Update(ctx, lease, metav1.UpdateOptions{})
}

func (n *nodes) syncPods(ctx context.Context) {
	list, err := n.cluster.Client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	for i := range list.Items {
		pod := &list.Items[i]
		if pod.Spec.NodeName == "" && pod.DeletionTimestamp != nil || n.hasPower(pod.Spec.NodeName) {
			n.syncPod(ctx, pod)
		}
	}
}

// syncPod is one step of a pod's life.
func (n *nodes) syncPod(ctx context.Context, pod *corev1.Pod) {
	pods := n.cluster.Client.CoreV1().Pods(pod.Namespace)
	ready := readiness(pod)
	switch {
	case pod.DeletionTimestamp != nil:
		if pod.Spec.NodeName != "" && pod.Status.Phase == corev1.PodRunning && len(pod.Finalizers) > 0 {
			// Somebody counts how it ended.
			pod.Status.Phase = corev1.PodFailed
			_, _ = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
			return
		}
		if len(pod.Finalizers) == 0 {
			now := int64(0)
			_ = pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
		}
		return
	case pod.Status.Phase == "" || pod.Status.Phase == corev1.PodPending:
		n.given++
		pod.Status.Phase, pod.Status.PodIP = corev1.PodRunning, fmt.Sprintf("10.244.%d.%d", n.given/250, 1+n.given%250)
		pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
		now := metav1.Now()
		pod.Status.StartTime = &now
		setReady(pod, true)
	case pod.Status.Phase == corev1.PodRunning && pod.Labels["app"] == "sum" && time.Since(pod.Status.StartTime.Time) > 10*time.Second:
		pod.Status.Phase = corev1.PodSucceeded
		setReady(pod, false)
	case pod.Status.Phase == corev1.PodRunning && !ready:
		setReady(pod, true) // the node was silent, or had no power: the containers run again
	default:
		return
	}
	_, _ = pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
}

func readiness(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func setReady(pod *corev1.Pod, ready bool) {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	pod.Status.Conditions = slices.DeleteFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.Now()})
}
