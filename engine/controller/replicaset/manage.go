package replicaset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller"
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
		return c.delete(ctx, rs, controller.Surplus(active, related, min(-missing, burst)))
	default:
		return nil
	}
}

func (c *Controller) create(ctx context.Context, rs *appsv1.ReplicaSet, count int) error {
	owner, pods := c.source.Hide(rs), make([]*corev1.Pod, count)
	for i := range pods {
		pods[i] = c.control.PodOf(owner, &rs.Spec.Template)
	}
	// Before the first creation: its event may come before Create returns.
	c.expectations.ExpectCreations(controller.Key{Namespace: rs.Namespace, Name: rs.Name}, count)
	_, err := c.control.Create(ctx, owner, pods, c.why(rs))
	return err
}

func (c *Controller) delete(ctx context.Context, rs *appsv1.ReplicaSet, pods []*corev1.Pod) error {
	c.expectations.ExpectDeletions(controller.Key{Namespace: rs.Namespace, Name: rs.Name}, controller.UIDs(pods))
	_, err := c.control.Delete(ctx, c.source.Hide(rs), pods, c.why(rs))
	return err
}

func (c *Controller) why(rs *appsv1.ReplicaSet) string {
	return fmt.Sprintf("%s %s wants %d pods", c.source.Kind.Kind, rs.Name, *rs.Spec.Replicas)
}

// related is the pods of every ReplicaSet with the same owner as rs: during a rollout a node that runs many of them is
// where one is missed least.
func (c *Controller) related(rs *appsv1.ReplicaSet) ([]*corev1.Pod, error) {
	ref := metav1.GetControllerOfNoCopy(rs)
	if ref == nil {
		return nil, nil
	}
	sets, err := c.source.list(rs.Namespace)
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
