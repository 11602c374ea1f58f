package deployment

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// syncCurrent brings annotations and minReadySeconds of the current set, if there is one, and the Deployment's revision up
// to date. A set that was rolled back to gets a new revision here.
func (r *rollout) syncCurrent(ctx context.Context) error {
	if r.current == nil {
		return nil
	}
	rs := r.current.DeepCopy()
	changed := annotate(rs, r.d, nextRevision(r.old))
	if rs.Spec.MinReadySeconds != r.d.Spec.MinReadySeconds {
		rs.Spec.MinReadySeconds, changed = r.d.Spec.MinReadySeconds, true
	}
	if changed {
		updated, err := r.client.AppsV1().ReplicaSets(rs.Namespace).Update(ctx, rs, metav1.UpdateOptions{})
		if err != nil {
			return fmt.Errorf("update ReplicaSet %s: %w", rs.Name, err)
		}
		r.written.Wrote(updated)
		r.current = updated
	}
	changed = r.setRevision(r.current.Annotations[revisionKey])
	if hasDeadline(r.d) && condition(r.d.Status, appsv1.DeploymentProgressing) == nil {
		setCondition(&r.d.Status, progressing(corev1.ConditionTrue, "FoundNewReplicaSet", fmt.Sprintf("Found new replica set %q", rs.Name)))
		changed = true
	}
	if !changed {
		return nil
	}
	return r.save(ctx)
}

// setRevision puts the revision on the Deployment: `kubectl rollout history` and `describe` show it.
func (r *rollout) setRevision(revision string) (changed bool) {
	if r.d.Annotations[revisionKey] == revision {
		return false
	}
	if r.d.Annotations == nil {
		r.d.Annotations = map[string]string{}
	}
	r.d.Annotations[revisionKey] = revision
	return true
}

// ensureCurrent creates the current set when there is none.
func (r *rollout) ensureCurrent(ctx context.Context) error {
	if r.current != nil {
		return nil
	}
	rs := r.newSet()
	created, err := r.client.AppsV1().ReplicaSets(rs.Namespace).Create(ctx, rs, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return r.collided(ctx, rs, err)
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return err
	case err != nil:
		return r.createFailed(ctx, rs, err)
	}
	r.current = created
	if n := *rs.Spec.Replicas; n > 0 {
		r.Normal(r.d, "ScalingReplicaSet", "Scaled up replica set %s from 0 to %d", created.Name, n)
	}
	r.Decide(decision.Record{
		Object: controller.Refer("replicasets", created), Action: "Create", After: strconv.Itoa(int(*rs.Spec.Replicas)),
		Reason: "NewReplicaSetCreated", Message: "no ReplicaSet of the Deployment has its pod template",
		Cause: controller.Refer("deployments", r.d), Details: map[string]string{"revision": rs.Annotations[revisionKey]},
	})
	r.setRevision(rs.Annotations[revisionKey])
	if hasDeadline(r.d) {
		setCondition(&r.d.Status, progressing(corev1.ConditionTrue, "NewReplicaSetCreated", fmt.Sprintf("Created new replica set %q", created.Name)))
	}
	return r.save(ctx)
}

// newSet is a set with the Deployment's template, as large as the fences allow at once.
func (r *rollout) newSet() *appsv1.ReplicaSet {
	hash := controller.TemplateHash(&r.d.Spec.Template, r.d.Status.CollisionCount)
	template, selector := r.d.Spec.Template.DeepCopy(), r.d.Spec.Selector.DeepCopy()
	template.Labels = withHash(template.Labels, hash)
	selector.MatchLabels = withHash(selector.MatchLabels, hash)
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: setName(r.d.Name, hash), Namespace: r.d.Namespace, Labels: template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(r.d, kind)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32), MinReadySeconds: r.d.Spec.MinReadySeconds, Selector: selector, Template: *template,
		},
	}
	*rs.Spec.Replicas = r.sizeOfCurrent(rs)
	annotate(rs, r.d, nextRevision(r.old))
	noteSize(rs, r.d)
	return rs
}

func withHash(labels map[string]string, hash string) map[string]string {
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	return labels
}

func setName(deployment, hash string) string {
	longest := validation.DNS1123SubdomainMaxLength - len("-") - len(hash)
	return deployment[:min(len(deployment), longest)] + "-" + hash
}

// collided finds out why a set with our name exists. Ours, not seen yet: use it. Another one: two templates have the same
// hash, so count the collision in the status, which makes another hash at the next try.
func (r *rollout) collided(ctx context.Context, rs *appsv1.ReplicaSet, cause error) error {
	existing, err := r.client.AppsV1().ReplicaSets(rs.Namespace).Get(ctx, rs.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if metav1.IsControlledBy(existing, r.d) && sameTemplate(&existing.Spec.Template, &r.d.Spec.Template) {
		r.current = existing
		return r.syncCurrent(ctx)
	}
	collisions := int32(1)
	if r.d.Status.CollisionCount != nil {
		collisions = *r.d.Status.CollisionCount + 1
	}
	r.d.Status.CollisionCount = &collisions
	if err := r.save(ctx); err != nil {
		return err
	}
	return cause
}

func (r *rollout) createFailed(ctx context.Context, rs *appsv1.ReplicaSet, cause error) error {
	message := fmt.Sprintf("Failed to create new replica set %q: %v", rs.Name, cause)
	r.Warning(r.d, "ReplicaSetCreateError", "%s", message)
	if hasDeadline(r.d) {
		setCondition(&r.d.Status, progressing(corev1.ConditionFalse, "ReplicaSetCreateError", message))
		_ = r.save(ctx) // the creation is tried again in any case, and the status with it
	}
	return cause
}
