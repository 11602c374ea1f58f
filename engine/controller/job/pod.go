package job

import (
	"fmt"
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// indexEnv tells the containers of an Indexed Job which index they work on.
const indexEnv = "JOB_COMPLETION_INDEX"

// longestGenerated is how much of generateName the API server keeps: five random characters must fit into a label's 63.
const longestGenerated = 58

func (r *round) newPod() *corev1.Pod {
	pod := r.control.PodOf(r.job, &r.job.Spec.Template)
	if !tracked(pod) {
		pod.Finalizers = append(pod.Finalizers, batchv1.JobTrackingFinalizer)
	}
	return pod
}

// newIndexedPod is a pod that knows its index: in a label, an annotation, the environment and its host name.
func (r *round) newIndexedPod(index int) *corev1.Pod {
	pod, text := r.newPod(), strconv.Itoa(index)
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	pod.Annotations[batchv1.JobCompletionIndexAnnotation] = text
	pod.Labels[batchv1.JobCompletionIndexAnnotation] = text
	pod.Spec.Hostname = r.job.Name + "-" + text
	end := "-" + text + "-"
	pod.GenerateName = r.job.Name[:min(len(r.job.Name), longestGenerated-len(end))] + end
	for i := range pod.Spec.InitContainers {
		addIndexEnv(&pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		addIndexEnv(&pod.Spec.Containers[i])
	}
	if r.job.Spec.BackoffLimitPerIndex != nil {
		r.inheritFailures(pod, r.standins[index])
	}
	return pod
}

func addIndexEnv(c *corev1.Container) {
	if slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == indexEnv }) {
		return
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: indexEnv, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{FieldPath: fmt.Sprintf("metadata.labels['%s']", batchv1.JobCompletionIndexAnnotation)},
	}})
}

// inheritFailures writes the failures of an index so far on the next pod for it.
func (r *round) inheritFailures(pod, before *corev1.Pod) {
	failures, ignored := failuresOf(before)
	if before != nil {
		if r.countsAsFailure(before) {
			failures++
		} else {
			ignored++
		}
	}
	pod.Annotations[batchv1.JobIndexFailureCountAnnotation] = strconv.Itoa(failures)
	if ignored > 0 {
		pod.Annotations[batchv1.JobIndexIgnoredFailureCountAnnotation] = strconv.Itoa(ignored)
	}
}

// failuresOf is how often the index had failed before this pod, and how often that did not count.
func failuresOf(pod *corev1.Pod) (failures, ignored int) {
	if pod == nil {
		return 0, 0
	}
	return number(pod.Annotations[batchv1.JobIndexFailureCountAnnotation]), number(pod.Annotations[batchv1.JobIndexIgnoredFailureCountAnnotation])
}

// number is 0 for what is not one.
func number(text string) int {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// indexOf is the completion index that a pod carries.
func indexOf(pod *corev1.Pod) (int, bool) {
	n, err := strconv.ParseUint(pod.Annotations[batchv1.JobCompletionIndexAnnotation], 10, 31)
	return int(n), err == nil
}
