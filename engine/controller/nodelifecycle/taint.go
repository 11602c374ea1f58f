package nodelifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// ours are the taints that this controller sets and removes; all others are somebody else's.
var ours = []string{
	corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeUnschedulable, corev1.TaintNodeMemoryPressure,
	corev1.TaintNodeDiskPressure, corev1.TaintNodePIDPressure, corev1.TaintNodeNetworkUnavailable,
}

// taintsFor are our taints for a node as its conditions are now.
func taintsFor(node *corev1.Node) []corev1.Taint {
	var taints []corev1.Taint
	add := func(key string, effects ...corev1.TaintEffect) {
		for _, effect := range effects {
			taints = append(taints, corev1.Taint{Key: key, Effect: effect})
		}
	}
	for _, c := range node.Status.Conditions {
		switch is := string(c.Type) + "=" + string(c.Status); is {
		case "Ready=False":
			add(corev1.TaintNodeNotReady, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute)
		case "Ready=Unknown":
			add(corev1.TaintNodeUnreachable, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute)
		case "MemoryPressure=True":
			add(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule)
		case "DiskPressure=True":
			add(corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule)
		case "PIDPressure=True":
			add(corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule)
		case "NetworkUnavailable=True":
			add(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule)
		}
	}
	if node.Spec.Unschedulable {
		add(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)
	}
	return taints
}

// taint brings our taints in line with the conditions; node becomes the updated one.
func (c *Controller) taint(ctx context.Context, node *corev1.Node) error {
	want := taintsFor(node)
	changed := false
	taints := slices.DeleteFunc(slices.Clone(node.Spec.Taints), func(t corev1.Taint) bool {
		stale := slices.Contains(ours, t.Key) && !slices.ContainsFunc(want, func(w corev1.Taint) bool { return w.MatchTaint(&t) })
		changed = changed || stale
		return stale
	})
	now := metav1.Now()
	for _, t := range want {
		if !slices.ContainsFunc(taints, func(have corev1.Taint) bool { return have.MatchTaint(&t) }) {
			t.TimeAdded = &now
			taints, changed = append(taints, t), true
		}
	}
	if !changed {
		return nil
	}
	before := describe(node.Spec.Taints)
	node.Spec.Taints = taints
	updated, err := c.client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("taint node %s: %w", node.Name, err)
	}
	*node = *updated.DeepCopy()
	c.Decide(decision.Record{
		Object: controller.Refer("nodes", node), Action: "Taint", Before: before, After: describe(taints), Message: "taints follow the node's conditions",
	})
	return nil
}

func describe(taints []corev1.Taint) string {
	var texts []string
	for _, t := range taints {
		texts = append(texts, t.ToString())
	}
	return strings.Join(texts, ", ")
}

// markPods sets Ready=False on the pods of a node that is not ready: its kubelet may not be there to do so.
func (c *Controller) markPods(ctx context.Context, node *corev1.Node) error {
	ready := condition(node, corev1.NodeReady)
	if ready == nil || ready.Status == corev1.ConditionTrue {
		return nil
	}
	pods, err := podsOn(c.pods, node.Name)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if !controller.Ready(pod) {
			continue
		}
		pod = pod.DeepCopy()
		cond := controller.PodCondition(pod, corev1.PodReady)
		cond.Status, cond.LastTransitionTime = corev1.ConditionFalse, metav1.Now()
		if _, err := c.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
			if ignoreNotFound(err) == nil {
				continue
			}
			return fmt.Errorf("mark pod %s/%s not ready: %w", pod.Namespace, pod.Name, err)
		}
		c.Warning(pod, "NodeNotReady", "Node is not ready")
		c.Decide(decision.Record{
			Object: controller.Refer("pods", pod), Action: "SetReady", Before: "True", After: "False", Reason: "NodeNotReady",
			Cause: controller.Refer("nodes", node),
		})
	}
	return nil
}
