package quota

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	resourcehelper "k8s.io/component-helpers/resource"
)

var podNames = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
	corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceRequestsEphemeralStorage,
	corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceLimitsEphemeralStorage,
	corev1.ResourcePods,
}

// compute are the names that every container must say something about when a quota limits them.
var compute = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory,
	corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory,
}

func podUses(name corev1.ResourceName) bool {
	return slices.Contains(podNames, name) || strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) ||
		strings.HasPrefix(string(name), corev1.ResourceRequestsHugePagesPrefix) || extended(name)
}

// extended tells whether a name is of a device, "requests.example.com/gpu": not of Kubernetes' own domain.
func extended(name corev1.ResourceName) bool {
	device, ok := strings.CutPrefix(string(name), corev1.DefaultResourceRequestsPrefix)
	return ok && strings.Contains(device, "/") && !strings.Contains(device, corev1.ResourceDefaultNamespacePrefix)
}

func podUsage(pod *corev1.Pod, now time.Time) corev1.ResourceList {
	usage := corev1.ResourceList{Count(schema.GroupResource{Resource: "pods"}): number(1)}
	if !podCounts(pod, now) {
		return usage
	}
	opts := resourcehelper.PodResourcesOptions{UseStatusResources: true}
	return Add(usage, computeUsage(resourcehelper.PodRequests(pod, opts), resourcehelper.PodLimits(pod, opts)))
}

// podCounts is false for a pod that has ended, and for one whose time to end is up but whose node does not answer.
func podCounts(pod *corev1.Pod, now time.Time) bool {
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		return false
	}
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil {
		return true
	}
	grace := time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	return !now.After(pod.DeletionTimestamp.Add(grace))
}

func computeUsage(requests, limits corev1.ResourceList) corev1.ResourceList {
	usage := corev1.ResourceList{corev1.ResourcePods: number(1)}
	for name, request := range requests {
		switch {
		case name == corev1.ResourceCPU, name == corev1.ResourceMemory, name == corev1.ResourceEphemeralStorage,
			strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
			usage[name], usage["requests."+name] = request, request
		case extended("requests." + name):
			usage["requests."+name] = request
		}
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		if limit, ok := limits[name]; ok {
			usage["limits."+name] = limit
		}
	}
	return usage
}

// Unsaid finds what a quota limits and a pod's containers say nothing about, which makes the pod impossible to count:
// "must specify limits.cpu for: web,db; requests.memory for: web". Nil when all is said.
func Unsaid(pod *corev1.Pod, limited []corev1.ResourceName) error {
	if resourcehelper.IsPodLevelResourcesSet(pod) {
		return nil
	}
	containers := append(slices.Clone(pod.Spec.Containers), pod.Spec.InitContainers...)
	var parts []string
	for _, name := range slices.Sorted(slices.Values(limited)) {
		if !slices.Contains(compute, name) {
			continue
		}
		var silent []string
		for _, c := range containers {
			if _, said := computeUsage(c.Resources.Requests, c.Resources.Limits)[name]; !said {
				silent = append(silent, c.Name)
			}
		}
		if len(silent) > 0 {
			slices.Sort(silent)
			parts = append(parts, fmt.Sprintf("%s for: %s", name, strings.Join(slices.Compact(silent), ",")))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return fmt.Errorf("must specify %s", strings.Join(parts, "; "))
}

func podInScope(pod *corev1.Pod, scope corev1.ScopedResourceSelectorRequirement) bool {
	switch scope.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return Terminating(pod)
	case corev1.ResourceQuotaScopeNotTerminating:
		return !Terminating(pod)
	case corev1.ResourceQuotaScopeBestEffort:
		return bestEffort(pod)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !bestEffort(pod)
	case corev1.ResourceQuotaScopePriorityClass:
		return priorityInScope(pod.Spec.PriorityClassName, scope)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return looksAbroad(pod.Spec.Affinity)
	}
	return false
}

// Terminating tells whether a pod has a deadline of its own; the word is the scope's.
func Terminating(pod *corev1.Pod) bool {
	deadline := pod.Spec.ActiveDeadlineSeconds
	return deadline != nil && *deadline >= 0
}

// bestEffort tells whether no container asks for or is held to any CPU or memory.
func bestEffort(pod *corev1.Pod) bool {
	if pod.Status.QOSClass != "" {
		return pod.Status.QOSClass == corev1.PodQOSBestEffort
	}
	lists := []corev1.ResourceList{}
	if r := pod.Spec.Resources; r != nil {
		lists = append(lists, r.Requests, r.Limits)
	}
	for _, c := range append(slices.Clone(pod.Spec.Containers), pod.Spec.InitContainers...) {
		lists = append(lists, c.Resources.Requests, c.Resources.Limits)
	}
	return !slices.ContainsFunc(lists, func(l corev1.ResourceList) bool { return l.Cpu().Sign() > 0 || l.Memory().Sign() > 0 })
}

func priorityInScope(class string, scope corev1.ScopedResourceSelectorRequirement) bool {
	operators := map[corev1.ScopeSelectorOperator]selection.Operator{
		corev1.ScopeSelectorOpIn: selection.In, corev1.ScopeSelectorOpNotIn: selection.NotIn,
		corev1.ScopeSelectorOpExists: selection.Exists, corev1.ScopeSelectorOpDoesNotExist: selection.DoesNotExist,
	}
	rule, err := labels.NewRequirement(string(scope.ScopeName), operators[scope.Operator], scope.Values)
	if err != nil {
		return false // validation lets no such scope in
	}
	set := labels.Set{}
	if class != "" {
		set[string(scope.ScopeName)] = class
	}
	return rule.Matches(set)
}

// looksAbroad tells whether a pod wants to be near or far from pods of other namespaces.
func looksAbroad(affinity *corev1.Affinity) bool {
	if affinity == nil {
		return false
	}
	var terms []corev1.PodAffinityTerm
	add := func(required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
		terms = append(terms, required...)
		for _, p := range preferred {
			terms = append(terms, p.PodAffinityTerm)
		}
	}
	if a := affinity.PodAffinity; a != nil {
		add(a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := affinity.PodAntiAffinity; a != nil {
		add(a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	return slices.ContainsFunc(terms, func(t corev1.PodAffinityTerm) bool {
		return len(t.Namespaces) > 0 || t.NamespaceSelector != (*metav1.LabelSelector)(nil)
	})
}
