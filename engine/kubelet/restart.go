package kubelet

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// isSidecar says whether an init container keeps running beside the regular ones (KEP-753).
func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// restartPolicy is the container's own policy, else the pod's. Init containers of an Always pod restart on failure only.
func restartPolicy(pod *corev1.Pod, c *corev1.Container) corev1.RestartPolicy {
	if c.RestartPolicy != nil {
		return corev1.RestartPolicy(*c.RestartPolicy)
	}
	return pod.Spec.RestartPolicy
}

// restartRule is what the first of the container's rules says that matches code, "" when none does (KEP-5307).
func restartRule(c *corev1.Container, code int32) corev1.ContainerRestartRuleAction {
	for _, rule := range c.RestartPolicyRules {
		if rule.ExitCodes == nil {
			continue
		}
		in := slices.Contains(rule.ExitCodes.Values, code)
		if in == (rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			return rule.Action
		}
	}
	return ""
}

// wouldRestart says whether a container that ended with code is started again: by the first of its rules that matches, else by policy.
func wouldRestart(pod *corev1.Pod, c *corev1.Container, code int32) bool {
	switch restartRule(c, code) {
	case corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers:
		return true
	}
	switch restartPolicy(pod, c) {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return code != 0
	default:
		return true
	}
}

// shouldRestart says whether a container that does not run must be started.
func shouldRestart(pod *corev1.Pod, c *corev1.Container, view *podView) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	last := view.container(c.Name)
	switch {
	case last == nil:
		return true
	case last.running():
		return false
	case !last.exited(): // created but never started, or unknown
		return true
	}
	return wouldRestart(pod, c, last.exitCode)
}

func anyRegularContainer(pod *corev1.Pod, view *podView) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return view.container(c.Name) != nil })
}

// anyActiveRegularContainer says whether a regular container was ever started in the newest sandbox, hence whether
// initialisation is over.
func anyActiveRegularContainer(pod *corev1.Pod, view *podView) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		active := view.activeContainer(c.Name)
		return active != nil && (active.running() || active.exited())
	})
}

// hashContainer changes when a running container must be replaced. Of all that may change in a bound pod that is the name
// and the image (upstream hashes the same two since in-place resize).
func hashContainer(c *corev1.Container) string {
	raw, err := json.Marshal([2]string{c.Name, c.Image})
	if err != nil {
		panic("two strings are always encodable: " + err.Error())
	}
	hash := fnv.New32a()
	hash.Write(raw)
	return strconv.FormatUint(uint64(hash.Sum32()), 16)
}

// findContainer looks for a container of any sort in the spec.
func findContainer(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			c := corev1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon)
			return &c
		}
	}
	return nil
}
