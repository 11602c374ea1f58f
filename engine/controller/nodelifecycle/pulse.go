package nodelifecycle

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// pulse is the newest sign of life of a node. The times in the signs are the node's; when we saw them is by our own
// clock, so that two clocks are never compared.
type pulse struct {
	renewed   metav1.MicroTime // of its Lease
	heartbeat metav1.Time      // of its Ready condition
	seen      time.Time
}

// feel takes in the signs of life and returns how long the node may stay silent from now on; 0 or less when it has been
// silent for too long.
func (c *Controller) feel(node *corev1.Node) time.Duration {
	now := pulse{seen: time.Now()}
	if lease, err := c.leases.Leases(corev1.NamespaceNodeLease).Get(node.Name); err == nil && lease.Spec.RenewTime != nil {
		now.renewed = *lease.Spec.RenewTime
	}
	grace := startupGracePeriod
	if ready := condition(node, corev1.NodeReady); ready != nil {
		now.heartbeat, grace = ready.LastHeartbeatTime, c.opts.GracePeriod
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.pulses[node.Name]
	if !known {
		c.Normal(node, "RegisteredNode", "Node %s event: Registered Node %s in Controller", node.Name, node.Name)
	}
	if !known || !last.renewed.Equal(&now.renewed) || !last.heartbeat.Equal(&now.heartbeat) {
		c.pulses[node.Name], last = now, now
	}
	return grace - time.Since(last.seen)
}

// forget drops a node that was deleted.
func (c *Controller) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.pulses[name]; known {
		delete(c.pulses, name)
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		c.Normal(node, "RemovingNode", "Node %s event: Removing Node %s from Controller", name, name)
	}
}

// silent are the conditions that only the kubelet can know.
var silent = []corev1.NodeConditionType{corev1.NodeReady, corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure}

// declareSilent sets the conditions of a node that has been silent for too long to Unknown; node becomes the updated one.
func (c *Controller) declareSilent(ctx context.Context, node *corev1.Node) error {
	before, changed := "", false
	if ready := condition(node, corev1.NodeReady); ready != nil {
		before = string(ready.Status)
	}
	for _, kind := range silent {
		now := metav1.Now()
		switch known := condition(node, kind); {
		case known == nil:
			node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{
				Type: kind, Status: corev1.ConditionUnknown, Reason: "NodeStatusNeverUpdated", Message: "Kubelet never posted node status.",
				LastHeartbeatTime: node.CreationTimestamp, LastTransitionTime: now,
			})
			changed = true
		case known.Status != corev1.ConditionUnknown:
			known.Status, known.Reason, known.Message = corev1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status."
			known.LastTransitionTime = now
			changed = true
		}
	}
	if !changed {
		return nil
	}
	updated, err := c.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("set conditions of node %s to Unknown: %w", node.Name, err)
	}
	c.Decide(decision.Record{
		Object: controller.Refer("nodes", node), Action: "SetReady", Before: before, After: string(corev1.ConditionUnknown),
		Reason: "NodeStatusUnknown", Message: fmt.Sprintf("no sign of life for %v", c.opts.GracePeriod),
	})
	if before == string(corev1.ConditionTrue) {
		c.Normal(node, "NodeNotReady", "Node %s status is now: NodeNotReady", node.Name)
	}
	*node = *updated.DeepCopy()
	return nil
}

// condition returns a node's condition, to be changed in place, or nil.
func condition(node *corev1.Node, kind corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == kind {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}
