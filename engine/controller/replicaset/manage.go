package replicaset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// burst is the most pods that one call of Reconcile creates or deletes.
const burst = 500

// manage creates or deletes pods until there are as many as rs wants.
func (c *Controller) manage(ctx context.Context, rs *appsv1.ReplicaSet, active []*corev1.Pod) error {
	switch missing := int(*rs.Spec.Replicas) - len(active); {
	case missing > 0:
		return c.create(ctx, rs, min(missing, burst))
	case missing < 0:
		related, err := c.related(rs)
		if err != nil {
			return err
		}
		return c.delete(ctx, rs, surplus(active, related, min(-missing, burst)))
	default:
		return nil
	}
}

func (c *Controller) create(ctx context.Context, rs *appsv1.ReplicaSet, count int) error {
	key := controller.Key{Namespace: rs.Namespace, Name: rs.Name}
	// Before the first creation: its event may come before Create returns.
	c.expectations.ExpectCreations(key, count)
	created, err := controller.SlowStart(count, func() error { return c.createPod(ctx, rs) })
	for range count - created {
		c.expectations.Created(key)
	}
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return nil // nothing can be created there any more; the ReplicaSet will go too
	}
	return err
}

func (c *Controller) createPod(ctx context.Context, rs *appsv1.ReplicaSet) error {
	pod, err := c.client.CoreV1().Pods(rs.Namespace).Create(ctx, podFrom(rs), metav1.CreateOptions{})
	if err != nil {
		if !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			c.Warning(rs, "FailedCreate", "Error creating: %v", err)
		}
		return err
	}
	c.Normal(rs, "SuccessfulCreate", "Created pod: %v", pod.Name)
	c.decide(rs, pod, "Create", "SuccessfulCreate")
	return nil
}

// podFrom makes a pod of the template.
func podFrom(rs *appsv1.ReplicaSet) *corev1.Pod {
	template := rs.Spec.Template.DeepCopy()
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName:    rs.Name + "-",
			Namespace:       rs.Namespace,
			Labels:          template.Labels,
			Annotations:     template.Annotations,
			Finalizers:      template.Finalizers,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rs, kind)},
		},
		Spec: template.Spec,
	}
}

func (c *Controller) delete(ctx context.Context, rs *appsv1.ReplicaSet, pods []*corev1.Pod) error {
	key := controller.Key{Namespace: rs.Namespace, Name: rs.Name}
	var uids []types.UID
	for _, pod := range pods {
		uids = append(uids, pod.UID)
	}
	c.expectations.ExpectDeletions(key, uids)
	_, err := controller.Together(len(pods), func(i int) error {
		err := c.deletePod(ctx, rs, pods[i])
		if err != nil {
			c.expectations.Deleted(key, pods[i].UID)
		}
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	return err
}

func (c *Controller) deletePod(ctx context.Context, rs *appsv1.ReplicaSet, pod *corev1.Pod) error {
	err := c.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return err
	case err != nil:
		c.Warning(rs, "FailedDelete", "Error deleting: %v", err)
		return fmt.Errorf("unable to delete pods: %w", err)
	}
	c.Normal(rs, "SuccessfulDelete", "Deleted pod: %v", pod.Name)
	c.decide(rs, pod, "Delete", "SuccessfulDelete")
	return nil
}

func (c *Controller) decide(rs *appsv1.ReplicaSet, pod *corev1.Pod, action, reason string) {
	c.Decide(decision.Record{
		Object: controller.Refer("pods", pod), Action: action, Reason: reason,
		Message: fmt.Sprintf("ReplicaSet %s wants %d pods", rs.Name, *rs.Spec.Replicas),
		Cause:   controller.Refer("replicasets", rs),
		Details: map[string]string{"wanted": strconv.Itoa(int(*rs.Spec.Replicas)), "generation": strconv.FormatInt(rs.Generation, 10)},
	})
}

// related is the pods of every ReplicaSet with the same owner as rs: during a rollout a node that runs many of them is
// where one is missed least.
func (c *Controller) related(rs *appsv1.ReplicaSet) ([]*corev1.Pod, error) {
	ref := metav1.GetControllerOfNoCopy(rs)
	if ref == nil {
		return nil, nil
	}
	sets, err := c.sets.ReplicaSets(rs.Namespace).List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("list ReplicaSets: %w", err)
	}
	pods := map[types.UID]*corev1.Pod{}
	var errs []error
	for _, sibling := range sets {
		selector, err := metav1.LabelSelectorAsSelector(sibling.Spec.Selector)
		if other := metav1.GetControllerOfNoCopy(sibling); err != nil || other == nil || other.UID != ref.UID {
			continue
		}
		matching, err := c.pods.Pods(rs.Namespace).List(selector)
		errs = append(errs, err)
		for _, pod := range matching {
			pods[pod.UID] = pod
		}
	}
	return slices.Collect(maps.Values(pods)), errors.Join(errs...)
}
