package apiserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/api"
	"drydock/engine/quota"
)

// The ResourceQuota plugin. It does not count objects: it adds each new one to status.used, which the resourcequota controller
// corrects. Two writes at once cannot both take the last place, because the store lets only one of two changes of a quota through.

var resourceQuotaKind = api.Lookup(corev1.SchemeGroupVersion.WithResource("resourcequotas"))

// chargeQuotas lets a write in if all quotas of its namespace have room for what it adds, and notes it in them.
func (s *Server) chargeQuotas(ctx context.Context, a admission) error {
	if !quotable(a) {
		return nil
	}
	entries, err := s.objectsOf(ctx, resourceQuotaKind, a.namespace)
	if err != nil {
		return err
	}
	var due []*entry
	for _, e := range entries {
		charged, err := charge(a, e.obj.(*corev1.ResourceQuota))
		if err != nil {
			return err
		}
		if charged != nil {
			due = append(due, e)
		}
	}
	if a.by.dryRun {
		return nil
	}
	// Only when all have room, so that a refusal costs nothing.
	for _, e := range due {
		if err := s.chargeOne(ctx, a, e); err != nil {
			return err
		}
	}
	return nil
}

// quotable tells whether a write can use anything up. Updates do only where usage is more than a count.
func quotable(a admission) bool {
	if !a.kind.Namespaced || a.obj == nil || a.kind.Kind == "Event" {
		return false
	}
	if a.operation == operationCreate {
		return true
	}
	switch obj := a.obj.(type) {
	case *corev1.Pod:
		return a.by.subresource == "resize" || quota.Terminating(obj) != quota.Terminating(a.old.(*corev1.Pod))
	case *corev1.Service, *corev1.PersistentVolumeClaim:
		return true
	}
	return false
}

func (s *Server) chargeOne(ctx context.Context, a admission, e *entry) error {
	t := target{kind: resourceQuotaKind, namespace: a.namespace, name: e.meta.GetName()}
	for {
		charged, err := charge(a, e.obj.(*corev1.ResourceQuota))
		if err != nil || charged == nil {
			return err
		}
		_, err = s.overwrite(ctx, t, e, charged)
		if apierrors.IsConflict(err) && ctx.Err() == nil {
			e, err = s.stored(ctx, t)
			if err == nil {
				continue
			}
		}
		if apierrors.IsNotFound(err) {
			return nil // it went a moment ago, and its limits with it
		}
		return err
	}
}

// charge returns the quota with the write's usage added; nil when it is not about the write; Forbidden when there is no room.
func charge(a admission, q *corev1.ResourceQuota) (*corev1.ResourceQuota, error) {
	kind, hard := a.kind.GroupResource(), q.Status.Hard
	if !quota.Matches(q, hard, kind, a.obj) {
		return nil, nil
	}
	limited := quota.Limited(kind, quota.Names(hard))
	if pod, ok := a.obj.(*corev1.Pod); ok {
		if err := quota.Unsaid(pod, limited); err != nil {
			return nil, a.forbid(fmt.Errorf("failed quota: %s: %w", q.Name, err))
		}
	}
	if slices.ContainsFunc(limited, func(name corev1.ResourceName) bool { _, known := q.Status.Used[name]; return !known }) {
		return nil, a.forbid(fmt.Errorf("status unknown for quota: %s, resources: %s", q.Name, joinNames(limited)))
	}
	added := quota.Mask(addedUsage(a, q, kind), limited)
	if len(added) == 0 {
		return nil, nil
	}
	used := quota.Add(q.Status.Used, added)
	if err := exceeded(q, added, used); err != nil {
		return nil, a.forbid(err)
	}
	charged := q.DeepCopy()
	charged.Status.Used = used
	return charged, nil
}

// addedUsage is what the write uses beyond what the object used before, without what stays as it was or becomes less.
func addedUsage(a admission, q *corev1.ResourceQuota, kind schema.GroupResource) corev1.ResourceList {
	now := time.Now()
	usage := quota.Usage(kind, a.obj, now)
	before := corev1.ResourceList{}
	if a.old != nil && quota.Matches(q, q.Status.Hard, kind, a.old) {
		before = quota.Usage(kind, a.old, now)
	}
	added := corev1.ResourceList{}
	for name, value := range usage {
		value = value.DeepCopy()
		value.Sub(before[name])
		if value.Sign() > 0 {
			added[name] = value
		}
	}
	return added
}

func exceeded(q *corev1.ResourceQuota, added, used corev1.ResourceList) error {
	var over []corev1.ResourceName
	for name := range added {
		if total := used[name]; total.Cmp(q.Status.Hard[name]) > 0 {
			over = append(over, name)
		}
	}
	if len(over) == 0 {
		return nil
	}
	return fmt.Errorf("exceeded quota: %s, requested: %s, used: %s, limited: %s", q.Name,
		amounts(quota.Mask(added, over)), amounts(quota.Mask(q.Status.Used, over)), amounts(quota.Mask(q.Status.Hard, over)))
}

// amounts writes a list as "cpu=1,memory=2Gi".
func amounts(list corev1.ResourceList) string {
	var parts []string
	for _, name := range quota.Names(list) {
		value := list[name]
		parts = append(parts, string(name)+"="+value.String())
	}
	return strings.Join(parts, ",")
}

func joinNames(names []corev1.ResourceName) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, string(name))
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}
