package apiserver

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
)

// patience is how many seconds a pod stays on a node that is gone, unless it says otherwise.
const patience = 300

// admitTolerations is the DefaultTolerationSeconds plugin.
func admitTolerations(_ context.Context, a admission) error {
	pod, ok := a.obj.(*corev1.Pod)
	if !ok || a.operation == operationDelete {
		return nil
	}
	for _, taint := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		tolerated := func(t corev1.Toleration) bool {
			return (t.Key == taint || t.Key == "") && (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "")
		}
		if !slices.ContainsFunc(pod.Spec.Tolerations, tolerated) {
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
				Key: taint, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](patience),
			})
		}
	}
	return nil
}

// systemPriorities are the two classes that every cluster has.
var systemPriorities = map[string]int32{"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}

// admitPriority is the Priority plugin: the class's name becomes a number that the scheduler compares.
//
// Kubernetes: PriorityClass objects come with the scheduling lessons; until then only the two system classes exist.
func (s *Server) admitPriority(_ context.Context, a admission) error {
	pod, ok := a.obj.(*corev1.Pod)
	if !ok || a.operation == operationDelete {
		return nil
	}
	if a.operation == operationUpdate {
		keepPriority(pod, a.old.(*corev1.Pod))
		return nil
	}
	priority := int32(0)
	if class := pod.Spec.PriorityClassName; class != "" {
		if priority, ok = systemPriorities[class]; !ok {
			return apierrors.NewForbidden(a.kind.GroupResource(), pod.Name, fmt.Errorf("no PriorityClass with name %v was found", class))
		}
	}
	if pod.Spec.Priority != nil && *pod.Spec.Priority != priority {
		return apierrors.NewForbidden(a.kind.GroupResource(), pod.Name, fmt.Errorf(
			"the integer value of priority (%d) must not be provided in pod spec; priority admission controller computed %d from the given PriorityClass name",
			*pod.Spec.Priority, priority))
	}
	pod.Spec.Priority = &priority
	if pod.Spec.PreemptionPolicy == nil {
		pod.Spec.PreemptionPolicy = ptr.To(corev1.PreemptLowerPriority)
	}
	return nil
}

// keepPriority fills in what an update left out; validation refuses anything else.
func keepPriority(pod, old *corev1.Pod) {
	if pod.Spec.Priority == nil {
		pod.Spec.Priority = old.Spec.Priority
	}
	if pod.Spec.PreemptionPolicy == nil {
		pod.Spec.PreemptionPolicy = old.Spec.PreemptionPolicy
	}
}
