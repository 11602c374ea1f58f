package disruption

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	policylisters "k8s.io/client-go/listers/policy/v1"

	"drydock/engine/controller"
)

// The API server's promise to delete a pod, and a mark on a pod, are believed for this long.
const patience = 2 * time.Minute

// subject is what a key is about: a budget, or a pod that may carry a mark that is out of date.
type subject struct {
	controller.Key
	pod bool
}

// Controller keeps the status of PodDisruptionBudgets.
type Controller struct {
	// set once in New
	*controller.Loop[subject]
	client       kubernetes.Interface
	budgets      policylisters.PodDisruptionBudgetLister
	pods         corelisters.PodLister
	replications corelisters.ReplicationControllerLister
	deployments  appslisters.DeploymentLister
	replicaSets  appslisters.ReplicaSetLister
	statefulSets appslisters.StatefulSetLister
}

// New makes the controller. Nothing runs before Run.
func New(cfg controller.Config) (*Controller, error) {
	core, apps, budgets := cfg.Informers.Core().V1(), cfg.Informers.Apps().V1(), cfg.Informers.Policy().V1().PodDisruptionBudgets()
	c := &Controller{
		client:       cfg.Client,
		budgets:      budgets.Lister(),
		pods:         core.Pods().Lister(),
		replications: core.ReplicationControllers().Lister(),
		deployments:  apps.Deployments().Lister(),
		replicaSets:  apps.ReplicaSets().Lister(),
		statefulSets: apps.StatefulSets().Lister(),
	}
	c.Loop = controller.NewLoop("disruption-controller", cfg, c.Reconcile)
	c.Resource = "poddisruptionbudgets"
	c.Needs(core.ReplicationControllers().Informer(), apps.Deployments().Informer(), apps.ReplicaSets().Informer(), apps.StatefulSets().Informer())
	return c, errors.Join(
		c.FollowAll(budgets.Informer(), func(obj any) []subject {
			key, _ := controller.KeyOf(obj)
			return []subject{{Key: key}}
		}),
		c.FollowAll(core.Pods().Informer(), c.concerned),
	)
}

// concerned is the budgets that select a pod, and the pod itself when it is marked.
func (c *Controller) concerned(obj any) []subject {
	pod := obj.(*corev1.Pod)
	budgets, err := c.budgets.PodDisruptionBudgets(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var subjects []subject
	for _, b := range budgets {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			subjects = append(subjects, subject{Key: controller.Key{Namespace: b.Namespace, Name: b.Name}})
		}
	}
	if _, marked := staleIn(pod); marked {
		subjects = append(subjects, subject{Key: controller.Key{Namespace: pod.Namespace, Name: pod.Name}, pod: true})
	}
	return subjects
}

// Reconcile brings one budget's status up to date, or takes an old mark off a pod.
func (c *Controller) Reconcile(ctx context.Context, s subject) error {
	if s.pod {
		return c.unmark(ctx, s)
	}
	budget, err := c.budgets.PodDisruptionBudgets(s.Namespace).Get(s.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	status, recheck, err := c.count(budget)
	if err != nil {
		// Better no disruption at all than one too many.
		return errors.Join(err, c.write(ctx, budget, failed(budget, err)))
	}
	if recheck > 0 {
		c.AddAfter(s, recheck)
	}
	return c.write(ctx, budget, status)
}

// unmark sets the condition of a pod that was to be disrupted, and was not, to false.
func (c *Controller) unmark(ctx context.Context, s subject) error {
	pod, err := c.pods.Pods(s.Namespace).Get(s.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	left, marked := staleIn(pod)
	switch {
	case !marked:
		return nil
	case left > 0:
		c.AddAfter(s, left)
		return nil
	}
	pod = pod.DeepCopy()
	mark := controller.PodCondition(pod, corev1.DisruptionTarget)
	mark.Status, mark.LastTransitionTime, mark.Reason, mark.Message = corev1.ConditionFalse, metav1.Now(), "", ""
	_, err = c.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// staleIn says whether a pod that lives is marked for disruption, and how long the mark is still believed. The kubelet's own
// marks never grow old: the pod may take any time to end.
func staleIn(pod *corev1.Pod) (time.Duration, bool) {
	mark := controller.PodCondition(pod, corev1.DisruptionTarget)
	if !controller.Active(pod) || mark == nil || mark.Status != corev1.ConditionTrue || mark.Reason == corev1.PodReasonTerminationByKubelet {
		return 0, false
	}
	return max(0, time.Until(mark.LastTransitionTime.Add(patience))), true
}
