package apiserver

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	resourcehelper "k8s.io/component-helpers/resource"

	"drydock/engine/quota"
)

// measured is what one LimitRange item is held against: a container's requests and limits, a pod's, or a claim's.
type measured struct {
	item             corev1.LimitRangeItem
	requests, limits corev1.ResourceList
}

// brokenLimits are upstream's words for each bound that an object breaks, in the order of the bounds' names.
func brokenLimits(obj runtime.Object, item corev1.LimitRangeItem) []error {
	switch obj := obj.(type) {
	case *corev1.PersistentVolumeClaim:
		if item.Type == corev1.LimitTypePersistentVolumeClaim {
			return measured{item: item, requests: obj.Spec.Resources.Requests}.claim()
		}
	case *corev1.Pod:
		switch item.Type {
		case corev1.LimitTypeContainer:
			var broken []error
			for _, containers := range [][]corev1.Container{obj.Spec.Containers, obj.Spec.InitContainers} {
				for _, c := range containers {
					broken = append(broken, measured{item, c.Resources.Requests, c.Resources.Limits}.all()...)
				}
			}
			return broken
		case corev1.LimitTypePod:
			opts := resourcehelper.PodResourcesOptions{ExcludeOverhead: true}
			return measured{item, resourcehelper.PodRequests(obj, opts), resourcehelper.PodLimits(obj, opts)}.all()
		}
	}
	return nil
}

func (m measured) all() []error {
	var broken []error
	add := func(bounds corev1.ResourceList, check func(corev1.ResourceName, resource.Quantity) error) {
		for _, name := range quota.Names(bounds) {
			if err := check(name, bounds[name]); err != nil {
				broken = append(broken, err)
			}
		}
	}
	add(m.item.Min, m.tooSmall)
	add(m.item.Max, m.tooBig)
	add(m.item.MaxLimitRequestRatio, m.tooFarApart)
	return broken
}

// claim looks at requests only: a claim has no limits.
func (m measured) claim() []error {
	var broken []error
	for _, name := range quota.Names(m.item.Min) {
		if err := m.tooSmall(name, m.item.Min[name]); err != nil {
			broken = append(broken, err)
		}
	}
	for _, name := range quota.Names(m.item.Max) {
		bound := m.item.Max[name]
		request, ok := m.requests[name]
		if !ok {
			broken = append(broken, fmt.Errorf("maximum %s usage per %s is %s.  No request is specified", name, m.item.Type, bound.String()))
		} else if request.Cmp(bound) > 0 {
			broken = append(broken, fmt.Errorf("maximum %s usage per %s is %s, but request is %s", name, m.item.Type, bound.String(), request.String()))
		}
	}
	return broken
}

func (m measured) tooSmall(name corev1.ResourceName, bound resource.Quantity) error {
	request, requested := m.requests[name]
	limit, limited := m.limits[name]
	text := fmt.Sprintf("minimum %s usage per %s is %s", name, m.item.Type, bound.String())
	switch {
	case !requested:
		return fmt.Errorf("%s.  No request is specified", text)
	case request.Cmp(bound) < 0:
		return fmt.Errorf("%s, but request is %s", text, request.String())
	case limited && limit.Cmp(bound) < 0:
		return fmt.Errorf("%s, but limit is %s", text, limit.String())
	}
	return nil
}

func (m measured) tooBig(name corev1.ResourceName, bound resource.Quantity) error {
	request, requested := m.requests[name]
	limit, limited := m.limits[name]
	text := fmt.Sprintf("maximum %s usage per %s is %s", name, m.item.Type, bound.String())
	switch {
	case !limited:
		return fmt.Errorf("%s.  No limit is specified", text)
	case limit.Cmp(bound) > 0:
		return fmt.Errorf("%s, but limit is %s", text, limit.String())
	case requested && request.Cmp(bound) > 0:
		return fmt.Errorf("%s, but request is %s", text, request.String())
	}
	return nil
}

func (m measured) tooFarApart(name corev1.ResourceName, bound resource.Quantity) error {
	request, limit := m.requests[name], m.limits[name]
	text := fmt.Sprintf("%s max limit to request ratio per %s is %s", name, m.item.Type, bound.String())
	switch {
	case request.IsZero():
		return fmt.Errorf("%s, but no request is specified or request is 0", text)
	case limit.IsZero():
		return fmt.Errorf("%s, but no limit is specified or limit is 0", text)
	}
	if ratio := limit.AsApproximateFloat64() / request.AsApproximateFloat64(); ratio > bound.AsApproximateFloat64() {
		return fmt.Errorf("%s, but provided ratio is %f", text, ratio)
	}
	return nil
}
