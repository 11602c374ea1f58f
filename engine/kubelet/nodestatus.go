package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// runtimeTrouble says in upstream's words why the container runtime cannot run pods, or "".
func runtimeTrouble(ctx context.Context, service runtimeapi.RuntimeServiceClient) string {
	answer, err := service.Status(ctx, &runtimeapi.StatusRequest{})
	if err != nil {
		return fmt.Sprintf("container runtime status check may not have completed yet: %v", err)
	}
	var troubles []string
	for _, condition := range answer.GetStatus().GetConditions() {
		if condition.Status {
			continue
		}
		what := "container runtime not ready"
		if condition.Type == "NetworkReady" {
			what = "container runtime network not ready"
		}
		troubles = append(troubles, fmt.Sprintf("%s: %s=%v reason:%s message:%s",
			what, condition.Type, condition.Status, condition.Reason, condition.Message))
	}
	return strings.Join(troubles, ", ")
}

// nodeConditions are the four conditions of a kubelet, in upstream's order. trouble is empty when the runtime is well.
//
// Memory is measured against what the node says it has: a lab's nodes share one machine.
func nodeConditions(trouble string, short *pressures, before *corev1.NodeStatus) []corev1.NodeCondition {
	now := metav1.Now()
	ready := corev1.NodeCondition{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status",
	}
	if trouble != "" {
		ready.Status, ready.Reason, ready.Message = corev1.ConditionFalse, "KubeletNotReady", trouble
	}
	conditions := []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory", Message: "kubelet has sufficient memory available"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure", Message: "kubelet has no disk pressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID", Message: "kubelet has sufficient PID available"},
		ready,
	}
	for i := range conditions {
		c := &conditions[i]
		if now := short.condition(c.Type); now.Type != "" {
			*c = now
		}
		c.LastHeartbeatTime, c.LastTransitionTime = now, now
		if before == nil {
			continue
		}
		if old := findNodeCondition(before.Conditions, c.Type); old != nil && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
	}
	return conditions
}

func findNodeCondition(conditions []corev1.NodeCondition, kind corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range conditions {
		if conditions[i].Type == kind {
			return &conditions[i]
		}
	}
	return nil
}

// sameNodeStatus compares all that the kubelet owns, but for heartbeat times.
func sameNodeStatus(a, b *corev1.NodeStatus) bool {
	for i := range a.Conditions {
		old := findNodeCondition(b.Conditions, a.Conditions[i].Type)
		if old == nil {
			return false
		}
		quiet := *old
		quiet.LastHeartbeatTime = a.Conditions[i].LastHeartbeatTime
		if !equality.Semantic.DeepEqual(a.Conditions[i], quiet) {
			return false
		}
	}
	return equality.Semantic.DeepEqual(a.Capacity, b.Capacity) && equality.Semantic.DeepEqual(a.Allocatable, b.Allocatable) &&
		equality.Semantic.DeepEqual(a.Addresses, b.Addresses) && equality.Semantic.DeepEqual(a.NodeInfo, b.NodeInfo) &&
		equality.Semantic.DeepEqual(a.Images, b.Images) && a.DaemonEndpoints == b.DaemonEndpoints
}

// nodeStatusPatch is the strategic merge patch that sets status. Lists that the API merges by key and that are wholly ours
// are replaced: otherwise an old address would stay beside the new one. Of the capacity it says only what is ours: others may have
// changed theirs since we looked. What is no longer there to be allocated is taken away by a null.
func nodeStatusPatch(status *corev1.NodeStatus, own, before corev1.ResourceList) ([]byte, error) {
	allocatable := map[corev1.ResourceName]any{}
	for name := range before {
		allocatable[name] = nil
	}
	for name, quantity := range status.Allocatable {
		allocatable[name] = quantity
	}
	replace := map[string]any{"$patch": "replace"}
	addresses := []any{replace}
	for _, address := range status.Addresses {
		addresses = append(addresses, address)
	}
	return json.Marshal(map[string]any{"status": map[string]any{
		"capacity": own, "allocatable": allocatable, "nodeInfo": status.NodeInfo,
		"addresses": addresses, "conditions": status.Conditions, "images": status.Images,
		"daemonEndpoints": status.DaemonEndpoints,
	}})
}
