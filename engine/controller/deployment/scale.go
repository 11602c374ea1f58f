package deployment

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// scale gives a set its size and says whether that was a change; *set is replaced by the updated object.
func (r *rollout) scale(ctx context.Context, set **appsv1.ReplicaSet, size int32) (bool, error) {
	if *(*set).Spec.Replicas == size {
		return false, nil
	}
	return true, r.resizeSet(ctx, set, size)
}

// resizeSet is scale that also brings the noted sizes up to date, when the size itself is right already.
func (r *rollout) resizeSet(ctx context.Context, set **appsv1.ReplicaSet, size int32) error {
	rs := (*set).DeepCopy()
	before := *rs.Spec.Replicas
	*rs.Spec.Replicas = size
	if !noteSize(rs, r.d) && before == size {
		return nil
	}
	updated, err := r.client.AppsV1().ReplicaSets(rs.Namespace).Update(ctx, rs, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("scale ReplicaSet %s: %w", rs.Name, err)
	}
	r.written.Wrote(updated)
	*set = updated
	if before == size {
		return nil
	}
	direction, action := "up", "ScaleUp"
	if size < before {
		direction, action = "down", "ScaleDown"
	}
	r.Normal(r.d, "ScalingReplicaSet", "Scaled %s replica set %s from %d to %d", direction, rs.Name, before, size)
	r.Decide(decision.Record{
		Object: controller.Refer("replicasets", rs), Action: action, Reason: "ScalingReplicaSet",
		Before: strconv.Itoa(int(before)), After: strconv.Itoa(int(size)), Cause: controller.Refer("deployments", r.d),
		Details: map[string]string{
			"replicas": strconv.Itoa(int(*r.d.Spec.Replicas)), "most": strconv.Itoa(int(most(r.d))), "least": strconv.Itoa(int(least(r.d))),
			"pods": strconv.Itoa(int(wanted(r.all()...))), "available": strconv.Itoa(int(available(r.all()...))),
		},
	})
	return nil
}

// sizeOfCurrent is how large the current set may be now.
func (r *rollout) sizeOfCurrent(current *appsv1.ReplicaSet) int32 {
	size, replicas := *current.Spec.Replicas, *r.d.Spec.Replicas
	if r.d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return replicas
	}
	room := most(r.d) - size - wanted(r.old...)
	return size + max(0, min(room, replicas-size))
}

// growCurrent takes the current set nearer to the wanted size; down at once, up as far as maxSurge allows.
func (r *rollout) growCurrent(ctx context.Context) (bool, error) {
	if *r.current.Spec.Replicas > *r.d.Spec.Replicas {
		return r.scale(ctx, &r.current, *r.d.Spec.Replicas)
	}
	return r.scale(ctx, &r.current, r.sizeOfCurrent(r.current))
}

// shrinkOld takes pods from the old sets as far as maxUnavailable allows: first those that are not available anyway.
func (r *rollout) shrinkOld(ctx context.Context) (bool, error) {
	// New pods that are not available yet keep as many old ones in place.
	missing := *r.current.Spec.Replicas - r.current.Status.AvailableReplicas
	room := wanted(r.all()...) - least(r.d) - missing
	if wanted(r.old...) == 0 || room <= 0 {
		return false, nil
	}
	cleaned, err := r.take(ctx, room, func(rs *appsv1.ReplicaSet) int32 { return *rs.Spec.Replicas - rs.Status.AvailableReplicas })
	if err != nil {
		return false, err
	}
	taken, err := r.take(ctx, available(r.all()...)-least(r.d), func(rs *appsv1.ReplicaSet) int32 { return *rs.Spec.Replicas })
	return cleaned+taken > 0, err
}

// take shrinks the old sets, oldest first, by at most room pods in all and at most may(set) of each.
func (r *rollout) take(ctx context.Context, room int32, may func(*appsv1.ReplicaSet) int32) (taken int32, err error) {
	for i := range r.old {
		size := *r.old[i].Spec.Replicas
		n := min(room-taken, may(r.old[i]), size)
		if n <= 0 {
			continue
		}
		if _, err := r.scale(ctx, &r.old[i], size-n); err != nil {
			return taken, err
		}
		taken += n
	}
	return taken, nil
}

// resized says whether somebody has changed spec.replicas since the sets got their sizes.
func (r *rollout) resized() bool {
	return slices.ContainsFunc(active(r.all()), func(rs *appsv1.ReplicaSet) bool {
		desired, ok := noted(rs, desiredKey)
		return ok && desired != *r.d.Spec.Replicas
	})
}

// resize applies a new spec.replicas without taking the rollout further; it is also all that happens while paused.
func (r *rollout) resize(ctx context.Context) error {
	if err := r.resizeSets(ctx); err != nil {
		return err
	}
	if r.d.Spec.Paused {
		if err := r.forgetOld(ctx); err != nil {
			return err
		}
	}
	return r.report(ctx)
}

func (r *rollout) resizeSets(ctx context.Context) error {
	replicas := *r.d.Spec.Replicas
	some := active(r.all())
	switch {
	case len(r.all()) == 0:
		return nil
	case len(some) <= 1:
		// Not scale: the noted sizes of a set that has the right size by chance must follow too.
		return r.resizeSet(ctx, r.only(some), replicas)
	case r.saturated():
		_, err := r.take(ctx, math.MaxInt32, func(rs *appsv1.ReplicaSet) int32 { return *rs.Spec.Replicas })
		return err
	case r.d.Spec.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType:
		return r.share(ctx, some)
	default:
		return nil
	}
}

// only is the one active set, else the current one, else the newest old one.
func (r *rollout) only(some []*appsv1.ReplicaSet) **appsv1.ReplicaSet {
	for i := range r.old {
		if len(some) == 1 && r.old[i] == some[0] {
			return &r.old[i]
		}
	}
	if r.current != nil {
		return &r.current
	}
	return &r.old[len(r.old)-1]
}

// saturated says whether the current set serves the whole Deployment by itself.
func (r *rollout) saturated() bool {
	if r.current == nil {
		return false
	}
	desired, ok := noted(r.current, desiredKey)
	replicas := *r.d.Spec.Replicas
	return ok && desired == replicas && *r.current.Spec.Replicas == replicas && r.current.Status.AvailableReplicas == replicas
}

// share gives every active set its proportion of the pods that a resize in the middle of a rollout adds or removes, so
// that it does not change how far the rollout is. What rounding leaves over goes to the first: the largest.
func (r *rollout) share(ctx context.Context, some []*appsv1.ReplicaSet) error {
	var allowed int32
	if *r.d.Spec.Replicas > 0 {
		allowed = most(r.d)
	}
	change := allowed - wanted(some...)
	slices.SortFunc(some, func(a, b *appsv1.ReplicaSet) int {
		age := older(a, b)
		if change > 0 {
			age = -age // growing: among equals the newer; shrinking: the older
		}
		return cmp.Or(-cmp.Compare(*a.Spec.Replicas, *b.Spec.Replicas), age)
	})
	sizes, left := make([]int32, len(some)), change
	for i, rs := range some {
		part := r.proportion(rs, change, left)
		sizes[i], left = *rs.Spec.Replicas+part, left-part
	}
	sizes[0] = max(0, sizes[0]+left)
	for i := range some {
		if err := r.resizeSet(ctx, r.place(some[i]), sizes[i]); err != nil {
			return err
		}
	}
	return nil
}

// place is where the rollout keeps a set.
func (r *rollout) place(rs *appsv1.ReplicaSet) **appsv1.ReplicaSet {
	if rs == r.current {
		return &r.current
	}
	return &r.old[slices.Index(r.old, rs)]
}

// proportion is a set's part of change, and no more than is left of it.
func (r *rollout) proportion(rs *appsv1.ReplicaSet, change, left int32) int32 {
	size := *rs.Spec.Replicas
	if change == 0 || left == 0 {
		return 0
	}
	part := -size
	if *r.d.Spec.Replicas > 0 {
		before, ok := noted(rs, maxKey)
		if !ok || before == 0 {
			before = r.d.Status.Replicas
		}
		if before == 0 {
			return 0
		}
		part = int32(math.Round(float64(size)*float64(most(r.d))/float64(before))) - size
	}
	if change > 0 {
		return min(part, left)
	}
	return max(part, left)
}
