package disruption

import (
	"context"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// count makes a budget's status. recheck is when a promise to delete a pod runs out, 0 when none is open.
func (c *Controller) count(b *policyv1.PodDisruptionBudget) (status policyv1.PodDisruptionBudgetStatus, recheck time.Duration, err error) {
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		c.Warning(b, "NoPods", "Failed to get pods: %v", err)
		return status, 0, err
	}
	pods, err := c.pods.Pods(b.Namespace).List(selector)
	if err != nil {
		return status, 0, err
	}
	if len(pods) == 0 {
		c.Normal(b, "NoPods", "No matching pods found")
	}
	expected, desired, err := c.expect(b, pods)
	if err != nil {
		c.Warning(b, "CalculateExpectedPodCountFailed", "Failed to calculate the number of expected pods: %v", err)
		return status, 0, err
	}
	status = policyv1.PodDisruptionBudgetStatus{
		ObservedGeneration: b.Generation, ExpectedPods: expected, DesiredHealthy: desired, Conditions: b.DeepCopy().Status.Conditions,
	}
	status.DisruptedPods, recheck = c.promised(b, pods)
	for _, pod := range pods {
		if _, promised := status.DisruptedPods[pod.Name]; pod.DeletionTimestamp == nil && !promised && controller.Ready(pod) {
			status.CurrentHealthy++
		}
	}
	if expected > 0 { // a budget that knows no pods yet allows nothing
		status.DisruptionsAllowed = max(0, status.CurrentHealthy-desired)
	}
	setAllowed(&status)
	return status, recheck, nil
}

func setAllowed(status *policyv1.PodDisruptionBudgetStatus) {
	c := metav1.Condition{
		Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.InsufficientPodsReason,
		ObservedGeneration: status.ObservedGeneration,
	}
	if status.DisruptionsAllowed > 0 {
		c.Status, c.Reason = metav1.ConditionTrue, policyv1.SufficientPodsReason
	}
	meta.SetStatusCondition(&status.Conditions, c)
}

// failed is the status of a budget that could not be counted.
func failed(b *policyv1.PodDisruptionBudget, cause error) policyv1.PodDisruptionBudgetStatus {
	status := *b.Status.DeepCopy()
	status.DisruptionsAllowed = 0
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: policyv1.SyncFailedReason,
		Message: cause.Error(), ObservedGeneration: status.ObservedGeneration,
	})
	return status
}

// promised is the pods that the API server has let go and that are still there, and how long until the first promise runs out.
func (c *Controller) promised(b *policyv1.PodDisruptionBudget, pods []*corev1.Pod) (map[string]metav1.Time, time.Duration) {
	still := map[string]metav1.Time{}
	var recheck time.Duration
	for _, pod := range pods {
		at, listed := b.Status.DisruptedPods[pod.Name]
		if !listed || pod.DeletionTimestamp != nil {
			continue
		}
		left := time.Until(at.Add(patience))
		if left <= 0 {
			c.Warning(pod, "NotDeleted", "Pod was expected by PDB %s/%s to be deleted but it wasn't", b.Namespace, b.Name)
			continue
		}
		still[pod.Name] = at
		if recheck == 0 || left < recheck {
			recheck = left
		}
	}
	return still, recheck
}

// expect is how many pods there should be, and how many of them must be healthy.
func (c *Controller) expect(b *policyv1.PodDisruptionBudget, pods []*corev1.Pod) (expected, desired int32, err error) {
	if most := b.Spec.MaxUnavailable; most != nil {
		if expected, err = c.scaleOf(b, pods); err != nil {
			return 0, 0, err
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(most, int(expected), true)
		return expected, max(0, expected-int32(n)), err
	}
	least := b.Spec.MinAvailable
	switch {
	case least == nil:
		return 0, 0, nil
	case least.Type == intstr.Int:
		return int32(len(pods)), least.IntVal, nil
	}
	if expected, err = c.scaleOf(b, pods); err != nil {
		return 0, 0, err
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(least, int(expected), true)
	return expected, int32(n), err
}

// scaleOf adds up the sizes of the pods' controllers: a share of the pods that happen to exist would shrink with every pod that
// is missing.
func (c *Controller) scaleOf(b *policyv1.PodDisruptionBudget, pods []*corev1.Pod) (int32, error) {
	scales := map[types.UID]int32{}
	unmanaged := false
	for _, pod := range pods {
		ref := metav1.GetControllerOfNoCopy(pod)
		if ref == nil {
			unmanaged = true
			continue
		}
		owner, replicas, err := c.owner(pod.Namespace, ref)
		if err != nil {
			return 0, err
		}
		if owner == nil {
			return 0, fmt.Errorf("found no controllers for pod %q", pod.Name)
		}
		scales[owner.GetUID()] = replicas
	}
	if unmanaged {
		c.Warning(b, "UnmanagedPods", "Pods selected by this PodDisruptionBudget (selector: %v) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, "+
			"which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.", b.Spec.Selector)
	}
	var sum int32
	for _, replicas := range scales {
		sum += replicas
	}
	return sum, nil
}

// owner is the controller that a reference names, or the one that controls that one, and its size. nil when it is gone.
func (c *Controller) owner(namespace string, ref *metav1.OwnerReference) (owner metav1.Object, replicas int32, err error) {
	switch ref.Kind {
	case "ReplicationController":
		if rc, err := c.replications.ReplicationControllers(namespace).Get(ref.Name); err == nil && rc.UID == ref.UID {
			return rc, *rc.Spec.Replicas, nil
		}
	case "Deployment":
		if d, err := c.deployments.Deployments(namespace).Get(ref.Name); err == nil && d.UID == ref.UID {
			return d, *d.Spec.Replicas, nil
		}
	case "StatefulSet":
		if s, err := c.statefulSets.StatefulSets(namespace).Get(ref.Name); err == nil && s.UID == ref.UID {
			return s, *s.Spec.Replicas, nil
		}
	case "ReplicaSet":
		rs, err := c.replicaSets.ReplicaSets(namespace).Get(ref.Name)
		if err != nil || rs.UID != ref.UID {
			return nil, 0, nil
		}
		if above := metav1.GetControllerOfNoCopy(rs); above != nil && above.Kind == "Deployment" {
			return c.owner(namespace, above)
		}
		return rs, *rs.Spec.Replicas, nil
	default:
		return nil, 0, unscalable(ref)
	}
	return nil, 0, nil
}

// unscalable: a Job or a DaemonSet has no size of which a share could be taken.
func unscalable(ref *metav1.OwnerReference) error {
	plural, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind))
	return fmt.Errorf("%s does not implement the scale subresource", plural.GroupResource())
}

func (c *Controller) write(ctx context.Context, b *policyv1.PodDisruptionBudget, status policyv1.PodDisruptionBudgetStatus) error {
	if equality.Semantic.DeepEqual(b.Status, status) {
		return nil
	}
	before := b.Status.DisruptionsAllowed
	b = b.DeepCopy()
	b.Status = status
	if _, err := c.client.PolicyV1().PodDisruptionBudgets(b.Namespace).UpdateStatus(ctx, b, metav1.UpdateOptions{}); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("update status: %w", err)
	}
	if before != status.DisruptionsAllowed {
		c.Decide(decision.Record{
			Object: controller.Refer("poddisruptionbudgets", b), Action: "Allow", Reason: "DisruptionsAllowed",
			Before: strconv.Itoa(int(before)), After: strconv.Itoa(int(status.DisruptionsAllowed)),
			Message: fmt.Sprintf("%d of %d pods are healthy, %d must be", status.CurrentHealthy, status.ExpectedPods, status.DesiredHealthy),
		})
	}
	return nil
}
