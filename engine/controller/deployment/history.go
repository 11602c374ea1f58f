package deployment

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// forgetOld deletes the oldest revisions beyond revisionHistoryLimit. A set that has pods, or has not been looked at since
// it was scaled down, stays.
func (r *rollout) forgetOld(ctx context.Context) error {
	limit := r.d.Spec.RevisionHistoryLimit
	if limit == nil || *limit == math.MaxInt32 {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(r.old), func(rs *appsv1.ReplicaSet) bool { return rs.DeletionTimestamp != nil })
	slices.SortFunc(kept, func(a, b *appsv1.ReplicaSet) int { return cmp.Or(cmp.Compare(revision(a), revision(b)), older(a, b)) })
	for _, rs := range kept[:max(0, len(kept)-int(*limit))] {
		if rs.Status.Replicas != 0 || *rs.Spec.Replicas != 0 || rs.Generation > rs.Status.ObservedGeneration {
			continue
		}
		err := r.client.AppsV1().ReplicaSets(rs.Namespace).Delete(ctx, rs.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete old ReplicaSet %s: %w", rs.Name, err)
		}
		r.Decide(decision.Record{
			Object: controller.Refer("replicasets", rs), Action: "Delete", Reason: "RevisionHistoryLimit",
			Message: fmt.Sprintf("the Deployment keeps %d old ReplicaSets", *limit), Cause: controller.Refer("deployments", r.d),
		})
	}
	return nil
}
