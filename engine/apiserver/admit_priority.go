package apiserver

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"drydock/engine/api"
)

var priorityClassKind = api.Lookup(schedulingv1.SchemeGroupVersion.WithResource("priorityclasses"))

// systemClasses are what every cluster has for the pods it cannot do without.
func systemClasses() []*schedulingv1.PriorityClass {
	const critical = 2000000000
	return []*schedulingv1.PriorityClass{
		{
			ObjectMeta: metav1.ObjectMeta{Name: "system-node-critical"}, Value: critical + 1000,
			Description: "Used for system critical pods that must not be moved from their current node.",
		},
		{
			ObjectMeta: metav1.ObjectMeta{Name: "system-cluster-critical"}, Value: critical,
			Description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
		},
	}
}

// admitPriority is the Priority plugin: the class's name becomes a number that the scheduler compares. A pod keeps its number
// when the class changes or goes.
func (s *Server) admitPriority(ctx context.Context, a admission) error {
	pod, ok := a.obj.(*corev1.Pod)
	if !ok {
		return nil
	}
	if a.operation == operationUpdate {
		keepPriority(pod, a.old.(*corev1.Pod))
		return nil
	}
	class, err := s.priorityClassOf(ctx, a, pod.Spec.PriorityClassName)
	if err != nil {
		return err
	}
	if given := pod.Spec.Priority; given != nil && *given != class.Value {
		return a.forbid(fmt.Errorf("the integer value of priority (%d) must not be provided in pod spec; priority admission controller computed %d from the given PriorityClass name", *given, class.Value))
	}
	pod.Spec.PriorityClassName, pod.Spec.Priority = class.Name, &class.Value
	if class.PreemptionPolicy == nil {
		return nil
	}
	policy := *class.PreemptionPolicy
	if given := pod.Spec.PreemptionPolicy; given != nil && *given != policy {
		return a.forbid(fmt.Errorf("the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority admission controller computed %s from the given PriorityClass name", *given, policy))
	}
	pod.Spec.PreemptionPolicy = &policy
	return nil
}

// keepPriority fills in what an update left out; validation refuses anything else.
func keepPriority(pod, old *corev1.Pod) {
	if pod.Spec.Priority == nil {
		pod.Spec.Priority = old.Spec.Priority
	}
	if pod.Spec.PreemptionPolicy == nil {
		pod.Spec.PreemptionPolicy = old.Spec.PreemptionPolicy
	}
}

// priorityClassOf finds the class a pod names, else the cluster's default, else a nameless one of priority 0. The result is a copy.
func (s *Server) priorityClassOf(ctx context.Context, a admission, name string) (*schedulingv1.PriorityClass, error) {
	if name != "" {
		e, err := s.stored(ctx, target{kind: priorityClassKind, name: name})
		if apierrors.IsNotFound(err) {
			return nil, a.forbid(fmt.Errorf("no PriorityClass with name %v was found", name))
		}
		if err != nil {
			return nil, fmt.Errorf("read PriorityClass %s: %w", name, err)
		}
		return e.obj.(*schedulingv1.PriorityClass).DeepCopy(), nil
	}
	class, err := s.defaultPriorityClass(ctx)
	if class != nil || err != nil {
		return class.DeepCopy(), err
	}
	return &schedulingv1.PriorityClass{PreemptionPolicy: ptr.To(corev1.PreemptLowerPriority)}, nil
}

// defaultPriorityClass is the one marked so; the lowest, should there ever be two. Nil when there is none.
func (s *Server) defaultPriorityClass(ctx context.Context) (*schedulingv1.PriorityClass, error) {
	classes, err := s.objectsOf(ctx, priorityClassKind, "")
	if err != nil {
		return nil, err
	}
	var found *schedulingv1.PriorityClass
	for _, e := range classes {
		class := e.obj.(*schedulingv1.PriorityClass)
		if class.GlobalDefault && (found == nil || class.Value < found.Value) {
			found = class
		}
	}
	return found, nil
}

// checkDefaultPriority keeps the default unique.
func (s *Server) checkDefaultPriority(ctx context.Context, a admission) error {
	class, ok := a.obj.(*schedulingv1.PriorityClass)
	if !ok || !class.GlobalDefault {
		return nil
	}
	present, err := s.defaultPriorityClass(ctx)
	if err != nil || present == nil || a.operation == operationUpdate && present.Name == class.Name {
		return err
	}
	return a.forbid(fmt.Errorf("PriorityClass %v is already marked as default. Only one default can exist", present.Name))
}
