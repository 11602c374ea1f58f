package apiserver

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
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
