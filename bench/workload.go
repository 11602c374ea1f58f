package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

const (
	rolledPods = 30
	fullPods   = 330 // three nodes take 110 each
)

// measureWorkloads replaces the pods of a deployment by a rolling update, and fills three nodes up to the last pod.
func measureWorkloads(ctx context.Context, w *workshop) ([]row, error) {
	client, err := w.api(ctx)
	if err != nil {
		return nil, err
	}
	if err := startScale(ctx, client, rolledPods); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := roll(ctx, client); err != nil {
		return nil, err
	}
	rows := []row{{what: fmt.Sprintf("rolling update of %d pods, until it is complete", rolledPods), measured: ms(time.Since(began))}}
	if err := emptied(ctx, client); err != nil {
		return rows, err
	}
	began = time.Now()
	if err := startScale(ctx, client, fullPods); err != nil {
		return rows, err
	}
	rows = append(rows, row{what: fmt.Sprintf("%d pods on 3 nodes, all Ready", fullPods), measured: ms(time.Since(began))})
	total, parts, err := weigh(w.lab)
	if err != nil {
		return rows, err
	}
	rows = append(rows, row{what: fmt.Sprintf("memory (PSS) with these %d pods", fullPods), measured: mb(total), floor: parts})
	began = time.Now()
	if err := emptied(ctx, client); err != nil {
		return rows, err
	}
	return append(rows, row{what: fmt.Sprintf("delete the deployment: %d pods gone", fullPods), measured: ms(time.Since(began))}), nil
}

// roll changes the deployment's template and returns when `kubectl rollout status` would.
func roll(ctx context.Context, client *kubernetes.Clientset) error {
	ctx, cancel := context.WithTimeout(ctx, scaleWithin)
	defer cancel()
	deployments := client.AppsV1().Deployments(namespace)
	change := []byte(`{"spec":{"template":{"metadata":{"annotations":{"bench":"second"}}}}}`)
	changed, err := deployments.Patch(ctx, "scale", types.StrategicMergePatchType, change, metav1.PatchOptions{})
	if err != nil {
		return err
	}
	events, err := deployments.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=scale"})
	if err != nil {
		return err
	}
	defer events.Stop()
	return await(events, func(e watch.Event) bool {
		d, ok := e.Object.(*appsv1.Deployment)
		if !ok || d.Status.ObservedGeneration < changed.Generation {
			return false
		}
		s, want := d.Status, *d.Spec.Replicas
		return s.UpdatedReplicas == want && s.Replicas == want && s.AvailableReplicas == want
	})
}

// The hollow nodes are objects without a machine behind them: what is measured is the API server, the scheduler and their talk.
const (
	hollowPods = 1000
	hollowName = "hollow"
)

// measureScheduler has pods scheduled onto 100 and then 1,000 nodes without runtimes. The pods exist before the scheduler starts; the clock
// runs from the first pod that has a node to the last.
func measureScheduler(ctx context.Context, w *workshop) ([]row, error) {
	client, err := w.api(ctx)
	if err != nil {
		return nil, err
	}
	alone, err := goTest(ctx, "./engine/scheduler", "BenchmarkSchedule", "5000x")
	if err != nil {
		return nil, err
	}
	var rows []row
	made := 0
	for _, nodes := range []int{100, 1000} {
		for ; made < nodes; made++ {
			if err := hollow(ctx, client, fmt.Sprintf("%s-%04d", hollowName, made)); err != nil {
				return rows, err
			}
		}
		took, err := w.schedule(ctx, client)
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{
			what:     fmt.Sprintf("scheduler: %d pods onto %d nodes without runtimes", hollowPods, nodes),
			budget:   "500 pods/s",
			measured: fmt.Sprintf("%.0f pods/s", hollowPods/took.Seconds()),
			floor:    fmt.Sprintf("%.0f pods/s with an API server in the same process", alone.value(fmt.Sprintf("Schedule/%d_nodes", nodes), "pods/s")),
			kept:     within(took, hollowPods*time.Second/500),
		})
	}
	// A thousand nodes that never renew a Lease are nothing for the groups that follow.
	if _, err := w.drydock(ctx, "down", "--name", labName); err != nil {
		return rows, err
	}
	return rows, w.lab.Forget()
}

// hollow registers a node that nobody runs.
func hollow(ctx context.Context, client *kubernetes.Clientset, name string) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{hollowName: "yes"}}}
	node.Status.Capacity = corev1.ResourceList{}
	for kind, amount := range map[corev1.ResourceName]string{corev1.ResourceCPU: "64", corev1.ResourceMemory: "256Gi", corev1.ResourcePods: "110"} {
		node.Status.Capacity[kind] = resource.MustParse(amount)
	}
	node.Status.Allocatable = node.Status.Capacity
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Hollow"}}
	_, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	return err
}

// schedule returns how long the scheduler takes for pods that are waiting for it.
func (w *workshop) schedule(ctx context.Context, client *kubernetes.Clientset) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*scaleWithin)
	defer cancel()
	if _, err := w.drydock(ctx, "component", "stop", "scheduler", "--name", labName); err != nil {
		return 0, err
	}
	pods := client.CoreV1().Pods(namespace)
	events, err := pods.Watch(ctx, metav1.ListOptions{LabelSelector: hollowName})
	if err != nil {
		return 0, err
	}
	defer events.Stop()
	for i := range hollowPods {
		_, err := pods.Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", hollowName, i), Labels: map[string]string{hollowName: "yes"}},
			Spec: corev1.PodSpec{
				NodeSelector: map[string]string{hollowName: "yes"},
				Tolerations:  []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
				Containers: []corev1.Container{{Name: "web", Image: podImage, Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("100Mi")},
				}}},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return 0, err
		}
	}
	if _, err := w.drydock(ctx, "component", "start", "scheduler", "--name", labName); err != nil {
		return 0, err
	}
	took, err := allBound(events)
	if err != nil {
		return 0, err
	}
	all := metav1.ListOptions{LabelSelector: hollowName}
	return took, pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, all)
}

// allBound is the time between the first pod that has a node and the last.
func allBound(events watch.Interface) (time.Duration, error) {
	var first time.Time
	bound := map[types.UID]bool{}
	err := await(events, func(e watch.Event) bool {
		pod, ok := e.Object.(*corev1.Pod)
		if ok && pod.Spec.NodeName != "" {
			if len(bound) == 0 {
				first = time.Now()
			}
			bound[pod.UID] = true
		}
		return len(bound) == hollowPods
	})
	if err != nil {
		return 0, fmt.Errorf("%d of %d pods have a node: %w", len(bound), hollowPods, err)
	}
	return time.Since(first), nil
}
