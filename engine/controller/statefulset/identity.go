package statefulset

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
)

// first is the lowest ordinal.
func first(set *appsv1.StatefulSet) int {
	if set.Spec.Ordinals == nil {
		return 0
	}
	return int(set.Spec.Ordinals.Start)
}

func podName(set *appsv1.StatefulSet, ordinal int) string {
	return fmt.Sprintf("%s-%d", set.Name, ordinal)
}

// ordinalOf is the number at the end of the name of a pod of the set.
func ordinalOf(set *appsv1.StatefulSet, pod *corev1.Pod) (int, bool) {
	number, ok := strings.CutPrefix(pod.Name, set.Name+"-")
	n, err := strconv.ParseInt(number, 10, 32)
	return int(n), ok && err == nil && number == strconv.FormatInt(n, 10) && n >= 0
}

// revisionOf is the name of the revision that the pod was made of.
func revisionOf(pod *corev1.Pod) string { return pod.Labels[appsv1.StatefulSetRevisionLabel] }

// newPod makes the pod with an ordinal: from the current revision if the partition keeps it there, else from the new one.
func (r *row) newPod(ordinal int) *corev1.Pod {
	template, name := r.updated, r.update.Name
	if r.keptBack(ordinal) {
		template, name = r.original, r.current.Name
	}
	pod := r.control.PodOf(r.set, template)
	pod.GenerateName, pod.Name = "", podName(r.set, ordinal)
	identify(pod, ordinal)
	pod.Labels[appsv1.StatefulSetRevisionLabel] = name
	pod.Spec.Hostname, pod.Spec.Subdomain = pod.Name, r.set.Spec.ServiceName
	mountClaims(r.set, pod, ordinal)
	return pod
}

// keptBack says whether a new pod with this ordinal is made of the current revision.
func (r *row) keptBack(ordinal int) bool {
	strategy := r.set.Spec.UpdateStrategy
	switch {
	case strategy.RollingUpdate != nil && strategy.RollingUpdate.Partition != nil:
		return ordinal < first(r.set)+int(*strategy.RollingUpdate.Partition)
	case strategy.Type == appsv1.RollingUpdateStatefulSetStrategyType:
		return ordinal < first(r.set)+int(r.set.Status.CurrentReplicas)
	default:
		return false
	}
}

// identify sets the labels by which a Service or a person can choose one pod of the set.
func identify(pod *corev1.Pod, ordinal int) {
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	pod.Labels[appsv1.StatefulSetPodNameLabel] = pod.Name
	pod.Labels[appsv1.PodIndexLabel] = strconv.Itoa(ordinal)
}

// keepNames puts the labels back that somebody has taken off, or that an adopted pod never had.
func (r *row) keepNames(ctx context.Context) error {
	var errs []error
	for _, pod := range r.pods {
		if pod.Labels[appsv1.StatefulSetPodNameLabel] == pod.Name || pod.DeletionTimestamp != nil {
			continue
		}
		ordinal, _ := ordinalOf(r.set, pod)
		mended := pod.DeepCopy()
		identify(mended, ordinal)
		_, err := r.client.CoreV1().Pods(pod.Namespace).Update(ctx, mended, metav1.UpdateOptions{})
		err = ignoreNotFound(err)
		r.tell("Update", pod, "its labels say which pod of the set it is", err)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func runningAndReady(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodRunning && controller.Ready(pod)
}

// available asks again when a ready pod will have been ready for long enough.
func (r *row) available(pod *corev1.Pod) bool {
	available, left := controller.Available(pod, time.Duration(r.set.Spec.MinReadySeconds)*time.Second, time.Now())
	if left > 0 {
		r.AddAfter(r.key, left)
	}
	return available
}

// missing says whether a pod does not serve: not there, not available, or on its way out.
func (r *row) missing(pod *corev1.Pod) bool {
	return pod == nil || pod.DeletionTimestamp != nil || !r.available(pod)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
