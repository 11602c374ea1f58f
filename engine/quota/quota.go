package quota

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// aliases are the names under which some kinds were counted before there was count/<resource>.<group>.
var aliases = map[schema.GroupResource]corev1.ResourceName{
	{Resource: "configmaps"}:             corev1.ResourceConfigMaps,
	{Resource: "persistentvolumeclaims"}: corev1.ResourcePersistentVolumeClaims,
	{Resource: "replicationcontrollers"}: corev1.ResourceReplicationControllers,
	{Resource: "resourcequotas"}:         corev1.ResourceQuotas,
	{Resource: "secrets"}:                corev1.ResourceSecrets,
	{Resource: "services"}:               corev1.ResourceServices,
}

// Count is the name under which objects of a kind are counted: "count/deployments.apps", "count/pods".
func Count(kind schema.GroupResource) corev1.ResourceName {
	return corev1.ResourceName("count/" + kind.String())
}

// KindOf is the kind that a name counts or measures: {apps deployments} of "count/deployments.apps", {"" pods} of
// "requests.cpu". False when no kind of ours uses it up.
func KindOf(name corev1.ResourceName) (schema.GroupResource, bool) {
	if counted, ok := strings.CutPrefix(string(name), "count/"); ok {
		return schema.ParseGroupResource(counted), true
	}
	for kind, alias := range aliases {
		if alias == name {
			return kind, true
		}
	}
	for _, kind := range []schema.GroupResource{{Resource: "pods"}, {Resource: "services"}, {Resource: "persistentvolumeclaims"}} {
		if uses(kind, name) {
			return kind, true
		}
	}
	return schema.GroupResource{}, false
}

// Limited picks out of names those that objects of a kind use up, in the same order.
func Limited(kind schema.GroupResource, names []corev1.ResourceName) []corev1.ResourceName {
	return slices.DeleteFunc(slices.Clone(names), func(name corev1.ResourceName) bool { return !uses(kind, name) })
}

func uses(kind schema.GroupResource, name corev1.ResourceName) bool {
	if name == Count(kind) || aliases[kind] == name && name != "" {
		return true
	}
	switch kind {
	case schema.GroupResource{Resource: "pods"}:
		return podUses(name)
	case schema.GroupResource{Resource: "services"}:
		return name == corev1.ResourceServicesNodePorts || name == corev1.ResourceServicesLoadBalancers
	case schema.GroupResource{Resource: "persistentvolumeclaims"}:
		return claimUses(name)
	}
	return false
}

// Usage is what one object uses of everything that can be limited. now decides whether a pod that is being deleted still counts.
func Usage(kind schema.GroupResource, obj runtime.Object, now time.Time) corev1.ResourceList {
	switch obj := obj.(type) {
	case *corev1.Pod:
		return podUsage(obj, now)
	case *corev1.Service:
		return serviceUsage(obj)
	case *corev1.PersistentVolumeClaim:
		return claimUsage(obj)
	}
	usage := corev1.ResourceList{Count(kind): number(1)}
	if alias := aliases[kind]; alias != "" {
		usage[alias] = number(1)
	}
	return usage
}

// Matches tells whether a quota is about an object: it limits something that the object's kind uses, and all its scopes hold.
func Matches(q *corev1.ResourceQuota, hard corev1.ResourceList, kind schema.GroupResource, obj runtime.Object) bool {
	if len(Limited(kind, Names(hard))) == 0 {
		return false
	}
	for _, scope := range scopes(q) {
		if pod, ok := obj.(*corev1.Pod); !ok || !podInScope(pod, scope) {
			return false
		}
	}
	return true
}

// scopes are those of both fields in the newer form.
func scopes(q *corev1.ResourceQuota) []corev1.ScopedResourceSelectorRequirement {
	var all []corev1.ScopedResourceSelectorRequirement
	for _, scope := range q.Spec.Scopes {
		all = append(all, corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists})
	}
	if q.Spec.ScopeSelector != nil {
		all = append(all, q.Spec.ScopeSelector.MatchExpressions...)
	}
	return all
}

// Names are the names of a list, sorted.
func Names(list corev1.ResourceList) []corev1.ResourceName {
	var names []corev1.ResourceName
	for name := range list {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Add returns a + b.
func Add(a, b corev1.ResourceList) corev1.ResourceList {
	sum := a.DeepCopy()
	if sum == nil {
		sum = corev1.ResourceList{}
	}
	for name, value := range b {
		total := sum[name]
		if total.IsZero() && total.Format == "" {
			total = value.DeepCopy()
		} else {
			total.Add(value)
		}
		sum[name] = total
	}
	return sum
}

// Mask keeps of a list what is named.
func Mask(list corev1.ResourceList, names []corev1.ResourceName) corev1.ResourceList {
	kept := corev1.ResourceList{}
	for _, name := range names {
		if value, ok := list[name]; ok {
			kept[name] = value.DeepCopy()
		}
	}
	return kept
}

func number(n int64) resource.Quantity { return *resource.NewQuantity(n, resource.DecimalSI) }
