package job

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// matchFailure is the action of the first rule that fits a failed pod, "" when none does, and for FailJob why.
func matchFailure(policy *batchv1.PodFailurePolicy, pod *corev1.Pod) (batchv1.PodFailurePolicyAction, string) {
	if policy == nil {
		return "", ""
	}
	for i, rule := range policy.Rules {
		var what string
		switch {
		case rule.OnExitCodes != nil:
			if c := matchExitCode(pod, rule.OnExitCodes); c != nil {
				what = fmt.Sprintf("Container %s for pod %s/%s failed with exit code %v", c.Name, pod.Namespace, pod.Name, c.State.Terminated.ExitCode)
			}
		case rule.OnPodConditions != nil:
			if c := matchCondition(pod, rule.OnPodConditions); c != nil {
				what = fmt.Sprintf("Pod %s/%s has condition %v", pod.Namespace, pod.Name, c.Type)
			}
		}
		if what != "" {
			return rule.Action, fmt.Sprintf("%s matching %v rule at index %d", what, rule.Action, i)
		}
	}
	return "", ""
}

// countsAsFailure says whether a failed pod counts towards the back-off limits.
func (r *round) countsAsFailure(pod *corev1.Pod) bool {
	action, _ := matchFailure(r.job.Spec.PodFailurePolicy, pod)
	return action != batchv1.PodFailurePolicyActionIgnore
}

func matchExitCode(pod *corev1.Pod, rule *batchv1.PodFailurePolicyOnExitCodesRequirement) *corev1.ContainerStatus {
	statuses := slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses)
	for i := range statuses {
		end := statuses[i].State.Terminated
		if end == nil || end.ExitCode == 0 || rule.ContainerName != nil && *rule.ContainerName != statuses[i].Name {
			continue
		}
		if slices.Contains(rule.Values, end.ExitCode) == (rule.Operator == batchv1.PodFailurePolicyOnExitCodesOpIn) {
			return &statuses[i]
		}
	}
	return nil
}

func matchCondition(pod *corev1.Pod, patterns []batchv1.PodFailurePolicyOnPodConditionsPattern) *corev1.PodCondition {
	for i, c := range pod.Status.Conditions {
		if slices.ContainsFunc(patterns, func(p batchv1.PodFailurePolicyOnPodConditionsPattern) bool {
			return p.Type == c.Type && p.Status == c.Status
		}) {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}
