package deployment

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"drydock/engine/controller"
)

// rollout is one look at one Deployment and its ReplicaSets.
type rollout struct {
	*Controller
	key controller.Key
	d   *appsv1.Deployment // our own copy

	// The ReplicaSets are shared with the informer: they are copied before they are changed.
	current *appsv1.ReplicaSet   // has the Deployment's template; nil when there is none yet
	old     []*appsv1.ReplicaSet // the others, oldest first
}

// divide finds the current set among the owned ones. Should several have the template, the oldest is the current one.
func (r *rollout) divide(owned []*appsv1.ReplicaSet) {
	slices.SortFunc(owned, older)
	for _, rs := range owned {
		if r.current == nil && sameTemplate(&rs.Spec.Template, &r.d.Spec.Template) {
			r.current = rs
			continue
		}
		r.old = append(r.old, rs)
	}
}

// sameTemplate compares without the label that the hash itself has added.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	a, b = a.DeepCopy(), b.DeepCopy()
	delete(a.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	delete(b.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return equality.Semantic.DeepEqual(a, b)
}

// all is every set, the current one last.
func (r *rollout) all() []*appsv1.ReplicaSet {
	if r.current == nil {
		return slices.Clone(r.old)
	}
	return append(slices.Clone(r.old), r.current)
}

// step is what one Reconcile does, after the world has been read.
func (r *rollout) step(ctx context.Context) error {
	if r.d.DeletionTimestamp != nil {
		return r.report(ctx)
	}
	if err := r.notePause(ctx); err != nil {
		return err
	}
	if err := r.syncCurrent(ctx); err != nil {
		return err
	}
	if r.d.Spec.Paused || r.resized() {
		return r.resize(ctx)
	}
	switch r.d.Spec.Strategy.Type {
	case appsv1.RecreateDeploymentStrategyType:
		return r.recreate(ctx)
	case appsv1.RollingUpdateDeploymentStrategyType:
		return r.roll(ctx)
	default:
		return controller.Terminal(fmt.Errorf("unexpected deployment strategy type: %s", r.d.Spec.Strategy.Type))
	}
}

// roll is one step of the strategy RollingUpdate.
func (r *rollout) roll(ctx context.Context) error {
	if err := r.ensureCurrent(ctx); err != nil {
		return err
	}
	if grown, err := r.growCurrent(ctx); grown || err != nil {
		return r.reportAfter(ctx, err)
	}
	if shrunk, err := r.shrinkOld(ctx); shrunk || err != nil {
		return r.reportAfter(ctx, err)
	}
	return r.finish(ctx)
}

// recreate is one step of the strategy Recreate: all old pods go before the first new one comes.
func (r *rollout) recreate(ctx context.Context) error {
	shrunk := false
	for i, rs := range r.old {
		changed, err := r.scale(ctx, &r.old[i], 0)
		if err != nil {
			return fmt.Errorf("scale down %s: %w", rs.Name, err)
		}
		shrunk = shrunk || changed
	}
	running, err := r.oldPodsRunning()
	if shrunk || running || err != nil {
		return r.reportAfter(ctx, err)
	}
	if err := r.ensureCurrent(ctx); err != nil {
		return err
	}
	if _, err := r.scale(ctx, &r.current, *r.d.Spec.Replicas); err != nil {
		return err
	}
	return r.finish(ctx)
}

// finish deletes what the history limit no longer keeps, once the rollout is complete.
func (r *rollout) finish(ctx context.Context) error {
	if complete(r.d, r.d.Status) {
		if err := r.forgetOld(ctx); err != nil {
			return err
		}
	}
	return r.reportProgress(ctx)
}

func (r *rollout) reportAfter(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return r.reportProgress(ctx)
}

// wake looks at the Deployment again after a while: nothing else would happen when it is stuck.
func (r *rollout) wake(after time.Duration) { r.AddAfter(r.key, after) }
