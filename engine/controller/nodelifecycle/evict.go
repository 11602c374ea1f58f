package nodelifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"drydock/engine/controller"
	"drydock/engine/decision"
)

// evictor deletes pods that do not tolerate a NoExecute taint of their node, or no longer.
type evictor struct {
	// set once in newEvictor
	*controller.Loop[controller.Key]
	client kubernetes.Interface
	nodes  corelisters.NodeLister
	pods   corelisters.PodLister

	noticed noticed
}

func newEvictor(cfg controller.Config) (*evictor, error) {
	core := cfg.Informers.Core().V1()
	e := &evictor{client: cfg.Client, nodes: core.Nodes().Lister(), pods: core.Pods().Lister()}
	e.Loop = controller.NewLoop("taint-eviction-controller", cfg, e.Reconcile)
	e.Resource = "pods"
	return e, errors.Join(
		e.FollowAll(core.Pods().Informer(), func(obj any) []controller.Key {
			pod := obj.(*corev1.Pod)
			if pod.Spec.NodeName == "" {
				return nil
			}
			return []controller.Key{{Namespace: pod.Namespace, Name: pod.Name}}
		}),
		e.Follow(core.Nodes().Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc: func(obj any) { e.tainted(obj.(*corev1.Node)) },
			UpdateFunc: func(old, obj any) {
				if node := obj.(*corev1.Node); !equality.Semantic.DeepEqual(old.(*corev1.Node).Spec.Taints, node.Spec.Taints) {
					e.tainted(node)
				}
			},
			DeleteFunc: func(obj any) {
				if node, ok := controller.Object[*corev1.Node](obj); ok {
					e.noticed.forget(node.Name)
				}
			},
		}),
	)
}

// tainted notes a node's taints and looks at its pods.
func (e *evictor) tainted(node *corev1.Node) {
	e.noticed.note(node)
	pods, err := podsOn(e.pods, node.Name)
	if err != nil {
		return // listing the local copy cannot fail
	}
	for _, pod := range pods {
		e.Add(controller.Key{Namespace: pod.Namespace, Name: pod.Name})
	}
}

func podsOn(pods corelisters.PodLister, node string) ([]*corev1.Pod, error) {
	all, err := pods.List(labels.Everything())
	return slices.DeleteFunc(all, func(p *corev1.Pod) bool { return p.Spec.NodeName != node }), err
}

// Reconcile deletes one pod, now or later, if its node's taints say so.
func (e *evictor) Reconcile(ctx context.Context, key controller.Key) error {
	pod, err := e.pods.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	node, err := e.nodes.Get(pod.Spec.NodeName)
	if apierrors.IsNotFound(err) || pod.DeletionTimestamp != nil {
		return nil
	}
	if err != nil {
		return err
	}
	taint, at := e.deadline(pod, node)
	switch {
	case taint == nil:
		return nil
	case time.Until(at) > 0:
		e.AddAfter(key, time.Until(at))
		return nil
	default:
		return e.evict(ctx, pod, node, taint)
	}
}

// deadline is when a pod has to leave its node, and the taint that makes it; nil when it may stay.
func (e *evictor) deadline(pod *corev1.Pod, node *corev1.Node) (cause *corev1.Taint, at time.Time) {
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		if taint.Effect != corev1.TaintEffectNoExecute {
			continue
		}
		limit, forever := toleration(pod, taint)
		if forever {
			continue
		}
		// From when the taint came, not from when we saw it, if it says so: a restart of ours must not give the pod more time.
		since := e.noticed.began(node.Name, taint)
		if since.Before(pod.CreationTimestamp.Time) {
			since = pod.CreationTimestamp.Time
		}
		if due := since.Add(limit); cause == nil || due.Before(at) {
			cause, at = taint, due
		}
	}
	return cause, at
}

// toleration is how long a pod tolerates a taint: the shortest of its tolerations for it; 0 when it has none.
func toleration(pod *corev1.Pod, taint *corev1.Taint) (limit time.Duration, forever bool) {
	found := false
	forever = true
	for i := range pod.Spec.Tolerations {
		t := &pod.Spec.Tolerations[i]
		if !t.ToleratesTaint(klog.Background(), taint, true) {
			continue
		}
		found = true
		if t.TolerationSeconds == nil {
			continue
		}
		if d := max(0, time.Duration(*t.TolerationSeconds)*time.Second); forever || d < limit {
			limit, forever = d, false
		}
	}
	return limit, found && forever
}

// evict deletes a pod and says why, in its status and as an Event.
func (e *evictor) evict(ctx context.Context, pod *corev1.Pod, node *corev1.Node, taint *corev1.Taint) error {
	e.Normal(pod, "TaintManagerEviction", "Marking for deletion Pod %s/%s", pod.Namespace, pod.Name)
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID},
		"status": map[string]any{"conditions": []corev1.PodCondition{{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "DeletionByTaintManager",
			Message: "Taint manager: deleting due to NoExecute taint", LastTransitionTime: metav1.Now(), ObservedGeneration: pod.Generation,
		}}},
	})
	if err != nil {
		return fmt.Errorf("evict pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	pods := e.client.CoreV1().Pods(pod.Namespace)
	if _, err := pods.Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return ignoreNotFound(err)
	}
	if err := pods.Delete(ctx, pod.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &pod.UID}}); err != nil {
		return ignoreNotFound(err)
	}
	e.Decide(decision.Record{
		Object: controller.Refer("pods", pod), Action: "Evict", Reason: "TaintManagerEviction", Cause: controller.Refer("nodes", node),
		Message: fmt.Sprintf("node %s has the taint %s, which the pod does not tolerate, or no longer", node.Name, taint.ToString()),
	})
	return nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
