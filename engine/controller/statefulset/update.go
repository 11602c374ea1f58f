package statefulset

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// outdated is the pods to delete now because they are of an old template: from the highest down to the partition, and no more
// than leave maxUnavailable pods out of service.
func (r *row) outdated() []*corev1.Pod {
	if r.set.Spec.UpdateStrategy.Type != appsv1.RollingUpdateStatefulSetStrategyType {
		return nil // OnDelete: the user deletes
	}
	room, partition := r.limits()
	for _, pod := range r.replicas {
		if r.missing(pod) {
			room--
		}
	}
	var broken, serving []*corev1.Pod
	for _, pod := range slices.Backward(r.replicas[min(partition, len(r.replicas)):]) {
		switch {
		case pod == nil || pod.DeletionTimestamp != nil || revisionOf(pod) == r.update.Name:
		case r.missing(pod):
			broken = append(broken, pod)
		default:
			serving = append(serving, pod)
		}
	}
	if r.set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		// Old pods that serve nobody go at once: replacing them costs nothing.
		return append(broken, serving[:max(0, min(room, len(serving)))]...)
	}
	// In order, the plan got here only past pods that all serve.
	return serving[:max(0, min(room, len(serving)))]
}

// limits are how many pods may be out of service, at least one, and the ordinal, counted from the first, below which nothing
// is updated.
func (r *row) limits() (unavailable, partition int) {
	rolling := r.set.Spec.UpdateStrategy.RollingUpdate
	if rolling == nil {
		return 1, 0
	}
	if rolling.Partition != nil {
		partition = int(*rolling.Partition)
	}
	most := intstr.ValueOrDefault(rolling.MaxUnavailable, intstr.FromInt32(1))
	n, err := intstr.GetScaledValueFromIntOrPercent(most, len(r.replicas), false)
	if err != nil {
		n = 1 // validation has let only numbers and percentages through
	}
	return max(1, n), partition
}

// report writes the counts.
func (r *row) report(ctx context.Context) error {
	before := r.set.Status
	r.set.Status = r.count()
	if equality.Semantic.DeepEqual(before, r.set.Status) {
		return nil
	}
	return r.save(ctx)
}

func (r *row) count() appsv1.StatefulSetStatus {
	status := appsv1.StatefulSetStatus{
		ObservedGeneration: r.set.Generation, CurrentRevision: r.current.Name, UpdateRevision: r.update.Name,
		CollisionCount: countOf(&r.set.Status.CollisionCount), Conditions: r.set.Status.Conditions,
	}
	for _, pod := range r.pods {
		status.Replicas++
		if runningAndReady(pod) {
			status.ReadyReplicas++
			status.AvailableReplicas += one(r.available(pod))
		}
		if pod.DeletionTimestamp == nil {
			status.CurrentReplicas += one(revisionOf(pod) == r.current.Name)
			status.UpdatedReplicas += one(revisionOf(pod) == r.update.Name)
		}
	}
	if n := *r.set.Spec.Replicas; status.UpdatedReplicas == n && status.ReadyReplicas == n && status.Replicas == n {
		status.CurrentReplicas, status.CurrentRevision = n, status.UpdateRevision // the rollout is over
	}
	return status
}

func one(yes bool) int32 {
	if yes {
		return 1
	}
	return 0
}

func (r *row) save(ctx context.Context) error {
	updated, err := r.client.AppsV1().StatefulSets(r.set.Namespace).UpdateStatus(ctx, r.set, metav1.UpdateOptions{})
	if err != nil {
		if ignoreNotFound(err) == nil {
			return nil
		}
		return fmt.Errorf("update status: %w", err)
	}
	r.written.Wrote(updated)
	return nil
}

// truncate keeps revisionHistoryLimit old revisions, and those that a pod was made of.
func (r *row) truncate(ctx context.Context) error {
	limit := r.set.Spec.RevisionHistoryLimit
	if limit == nil || *limit < 0 {
		return nil
	}
	return r.history.Truncate(ctx, r.old, int(*limit), func(other *appsv1.ControllerRevision) bool {
		return other.Name == r.current.Name ||
			slices.ContainsFunc(r.pods, func(pod *corev1.Pod) bool { return revisionOf(pod) == other.Name })
	})
}
