package apiserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"drydock/engine/api"
)

var runtimeClassKind = api.Lookup(nodev1.SchemeGroupVersion.WithResource("runtimeclasses"))

// admitRuntimeClass is the RuntimeClass plugin: a pod takes on what its class costs, and goes where the class can run.
func (s *Server) admitRuntimeClass(ctx context.Context, a admission) error {
	pod, ok := created[*corev1.Pod](a)
	if !ok {
		return nil
	}
	class, err := s.runtimeClassOf(ctx, a, pod)
	if err != nil || class == nil {
		return err
	}
	if class.Overhead != nil {
		if len(pod.Spec.Overhead) > 0 && !equality.Semantic.DeepEqual(class.Overhead.PodFixed, pod.Spec.Overhead) {
			return a.forbid(errors.New("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"))
		}
		pod.Spec.Overhead = class.Overhead.PodFixed.DeepCopy()
	}
	if class.Scheduling == nil {
		return nil
	}
	return scheduleLike(a, pod, class.Scheduling)
}

// runtimeClassOf is nil for a pod that names none.
func (s *Server) runtimeClassOf(ctx context.Context, a admission, pod *corev1.Pod) (*nodev1.RuntimeClass, error) {
	name := pod.Spec.RuntimeClassName
	if name == nil {
		return nil, nil
	}
	e, err := s.stored(ctx, target{kind: runtimeClassKind, name: *name})
	if apierrors.IsNotFound(err) {
		return nil, a.forbid(fmt.Errorf("pod rejected: RuntimeClass %q not found", *name))
	}
	if err != nil {
		return nil, err
	}
	return e.obj.(*nodev1.RuntimeClass), nil
}

// scheduleLike merges the class's node selector and tolerations into the pod's.
func scheduleLike(a admission, pod *corev1.Pod, rules *nodev1.Scheduling) error {
	selector := maps.Clone(rules.NodeSelector)
	for key, wanted := range rules.NodeSelector {
		if has, ok := pod.Spec.NodeSelector[key]; ok && has != wanted {
			return a.forbid(fmt.Errorf("conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; pod.spec.nodeSelector[%s] = %s", key, wanted, key, has))
		}
	}
	if len(selector) > 0 {
		maps.Copy(selector, pod.Spec.NodeSelector)
		pod.Spec.NodeSelector = selector
	}
	for _, t := range rules.Tolerations {
		same := func(have corev1.Toleration) bool { return equality.Semantic.DeepEqual(have, t) }
		if !slices.ContainsFunc(pod.Spec.Tolerations, same) {
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, t)
		}
	}
	return nil
}

// checkOverhead refuses an overhead that no class has given the pod.
func (s *Server) checkOverhead(ctx context.Context, a admission) error {
	pod, ok := created[*corev1.Pod](a)
	if !ok {
		return nil
	}
	class, err := s.runtimeClassOf(ctx, a, pod)
	switch {
	case err != nil:
		return err
	case class != nil && class.Overhead != nil:
		if !equality.Semantic.DeepEqual(class.Overhead.PodFixed, pod.Spec.Overhead) {
			return a.forbid(errors.New("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"))
		}
	case pod.Spec.Overhead != nil:
		return a.forbid(errors.New("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"))
	}
	return nil
}
