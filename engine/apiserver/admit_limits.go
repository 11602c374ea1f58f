package apiserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/api"
	"drydock/engine/quota"
)

// The LimitRanger plugin: a namespace's LimitRanges fill in what containers leave out, and refuse what is too small or too big.

var limitRangeKind = api.Lookup(corev1.SchemeGroupVersion.WithResource("limitranges"))

// limitsNote tells a reader of the pod where its requests and limits came from.
const limitsNote = "kubernetes.io/limit-ranger"

// limitRanges are those of the write's namespace; none when it is about something that has no limits, or that is on its way out.
func (s *Server) limitRanges(ctx context.Context, a admission) ([]*corev1.LimitRange, error) {
	switch a.obj.(type) {
	case *corev1.Pod:
		if a.operation == operationUpdate && a.by.subresource != "resize" {
			return nil, nil
		}
	case *corev1.PersistentVolumeClaim:
	default:
		return nil, nil
	}
	if leaving(a.old) {
		return nil, nil
	}
	entries, err := s.objectsOf(ctx, limitRangeKind, a.namespace)
	if err != nil {
		return nil, err
	}
	ranges := make([]*corev1.LimitRange, 0, len(entries))
	for _, e := range entries {
		ranges = append(ranges, e.obj.(*corev1.LimitRange))
	}
	return ranges, nil
}

func (s *Server) defaultLimits(ctx context.Context, a admission) error {
	pod, ok := created[*corev1.Pod](a)
	if !ok {
		return nil
	}
	ranges, err := s.limitRanges(ctx, a)
	for _, r := range ranges {
		fillLimits(pod, r)
	}
	return err
}

func fillLimits(pod *corev1.Pod, r *corev1.LimitRange) {
	requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
	for _, item := range r.Spec.Limits {
		if item.Type == corev1.LimitTypeContainer {
			maps.Copy(requests, item.DefaultRequest)
			maps.Copy(limits, item.Default)
		}
	}
	var notes []string
	fill := func(containers []corev1.Container, what string) {
		for i := range containers {
			c := &containers[i]
			if set := fillMissing(&c.Resources.Requests, requests); len(set) > 0 {
				notes = append(notes, fmt.Sprintf("%s request for %s %s", strings.Join(set, ", "), what, c.Name))
			}
			if set := fillMissing(&c.Resources.Limits, limits); len(set) > 0 {
				notes = append(notes, fmt.Sprintf("%s limit for %s %s", strings.Join(set, ", "), what, c.Name))
			}
		}
	}
	fill(pod.Spec.Containers, "container")
	fill(pod.Spec.InitContainers, "init container")
	if len(notes) == 0 {
		return
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[limitsNote] = "LimitRanger plugin set: " + strings.Join(notes, "; ")
}

// fillMissing adds to a list what it has not, and returns those names, sorted.
func fillMissing(list *corev1.ResourceList, defaults corev1.ResourceList) []string {
	var set []string
	for _, name := range quota.Names(defaults) {
		if _, there := (*list)[name]; there {
			continue
		}
		if *list == nil {
			*list = corev1.ResourceList{}
		}
		(*list)[name] = defaults[name].DeepCopy()
		set = append(set, string(name))
	}
	return set
}

func (s *Server) checkLimits(ctx context.Context, a admission) error {
	ranges, err := s.limitRanges(ctx, a)
	if err != nil {
		return err
	}
	for _, r := range ranges {
		var broken []error
		for _, item := range r.Spec.Limits {
			broken = append(broken, brokenLimits(a.obj, item)...)
		}
		if len(broken) > 0 {
			return a.forbid(allOf(broken))
		}
	}
	return nil
}

// allOf joins errors as upstream writes several of them: "[one, two]".
func allOf(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	var texts []string
	for _, err := range errs {
		if !slices.Contains(texts, err.Error()) {
			texts = append(texts, err.Error())
		}
	}
	return errors.New("[" + strings.Join(texts, ", ") + "]")
}
