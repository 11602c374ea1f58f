package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelpers "k8s.io/component-helpers/resource"
)

// amounts are quantities of resources: CPU in thousandths, the rest in units.
type amounts struct {
	cpu, memory, storage int64
	others               map[corev1.ResourceName]int64 // extended resources, huge pages; nil when there are none
}

func amountsOf(list corev1.ResourceList) amounts {
	var a amounts
	for name, quantity := range list {
		switch name {
		case corev1.ResourceCPU:
			a.cpu = quantity.MilliValue()
		case corev1.ResourceMemory:
			a.memory = quantity.Value()
		case corev1.ResourceEphemeralStorage:
			a.storage = quantity.Value()
		case corev1.ResourcePods:
		default:
			if a.others == nil {
				a.others = map[corev1.ResourceName]int64{}
			}
			a.others[name] = quantity.Value()
		}
	}
	return a
}

// requestsOf is what a pod takes of its node: its containers together or its largest init container, and the overhead. While it is
// resized, the larger of what it wants and what it has counts.
func requestsOf(pod *corev1.Pod) amounts {
	return amountsOf(resourcehelpers.PodRequests(pod, resourcehelpers.PodResourcesOptions{UseStatusResources: true}))
}

// nonzeroOf counts containers without requests as 100m CPU and 200 MiB, so that they too are spread over the nodes.
func nonzeroOf(pod *corev1.Pod) amounts {
	return amountsOf(resourcehelpers.PodRequests(pod, resourcehelpers.PodResourcesOptions{
		UseStatusResources: true,
		NonMissingContainerRequests: corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(100, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(200<<20, resource.BinarySI),
		},
	}))
}

// add adds b, times sign, to a.
func (a *amounts) add(b amounts, sign int64) {
	a.cpu += sign * b.cpu
	a.memory += sign * b.memory
	a.storage += sign * b.storage
	for name, n := range b.others {
		if a.others == nil {
			a.others = map[corev1.ResourceName]int64{}
		}
		a.others[name] += sign * n
	}
}

// of is the amount of one resource.
func (a *amounts) of(name corev1.ResourceName) int64 {
	switch name {
	case corev1.ResourceCPU:
		return a.cpu
	case corev1.ResourceMemory:
		return a.memory
	case corev1.ResourceEphemeralStorage:
		return a.storage
	default:
		return a.others[name]
	}
}

// within says whether b is enough.
func (a amounts) within(b amounts) bool {
	for name, n := range a.others {
		if n > b.others[name] {
			return false
		}
	}
	return a.cpu <= b.cpu && a.memory <= b.memory && a.storage <= b.storage
}

// lessOf says whether b has less than a of something that wanted counts.
func (a amounts) lessOf(wanted, b amounts) bool {
	for name, n := range wanted.others {
		if n > 0 && a.others[name] > b.others[name] {
			return true
		}
	}
	return wanted.cpu > 0 && a.cpu > b.cpu || wanted.memory > 0 && a.memory > b.memory || wanted.storage > 0 && a.storage > b.storage
}

func (a amounts) zero() bool {
	return a.cpu == 0 && a.memory == 0 && a.storage == 0 && len(a.others) == 0
}
