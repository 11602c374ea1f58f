package course

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"drydock/lessons/pack"
)

// share is which part of a world's limits a container has that asks for none itself: a quota on limits refuses those without.
const share = 10

// limits are the objects that keep a world's limits: a quota for all pods together, and what a container has when it does not say.
func limits(lesson *pack.Lesson) []*unstructured.Unstructured {
	l := lesson.World.Limits
	if l.None() {
		return nil
	}
	hard, each := map[string]any{}, map[string]any{}
	if l.Pods > 0 {
		hard["pods"] = strconv.Itoa(l.Pods)
	}
	if q, err := resource.ParseQuantity(l.CPU); err == nil { // the loader has read it
		hard["limits.cpu"] = l.CPU
		each["cpu"] = resource.NewMilliQuantity(max(1, q.MilliValue()/share), resource.DecimalSI).String()
	}
	if q, err := resource.ParseQuantity(l.Memory); err == nil {
		hard["limits.memory"] = l.Memory
		each["memory"] = resource.NewQuantity(max(1, q.Value()/share), resource.BinarySI).String()
	}
	out := []*unstructured.Unstructured{limitObject(lesson, "ResourceQuota", map[string]any{"hard": hard})}
	if len(each) > 0 {
		out = append(out, limitObject(lesson, "LimitRange", map[string]any{
			"limits": []any{map[string]any{"type": "Container", "default": each}},
		}))
	}
	return out
}

func limitObject(lesson *pack.Lesson, kind string, spec map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": pack.LimitsName}, "spec": spec,
	}}
	if lesson.Namespace != "" {
		o.SetNamespace(lesson.Namespace)
	}
	return o
}
