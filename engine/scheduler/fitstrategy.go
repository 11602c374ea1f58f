package scheduler

import (
	"math"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/scheduler/configuration"
)

// fit is how NodeResourcesFit gives points, with what it takes to give them.
type fit configuration.Fit

var cpuAndMemory = []configuration.ResourceWeight{{Name: corev1.ResourceCPU, Weight: 1}, {Name: corev1.ResourceMemory, Weight: 1}}

func (f fit) score(p *podInfo, n *nodeInfo) int64 {
	resources := f.Resources
	if len(resources) == 0 {
		resources = cpuAndMemory
	}
	var sum, weights int64
	for _, r := range resources {
		has := n.allocatable.of(r.Name)
		if has == 0 {
			continue
		}
		points := f.points(f.of(r.Name, &n.requests, &n.nonzero)+f.of(r.Name, &p.requests, &p.nonzero), has)
		if f.Type == configuration.RequestedToCapacityRatio && points == 0 {
			continue // as upstream has it: a resource without points does not count
		}
		sum += points * r.Weight
		weights += r.Weight
	}
	switch {
	case weights == 0:
		return 0
	case f.Type == configuration.RequestedToCapacityRatio:
		return int64(math.Round(float64(sum) / float64(weights)))
	default:
		return sum / weights
	}
}

// of is what is asked of a resource; for the two simple strategies containers that ask for nothing count as small ones.
func (f fit) of(name corev1.ResourceName, requests, nonzero *amounts) int64 {
	if f.Type == configuration.RequestedToCapacityRatio {
		return requests.of(name)
	}
	return nonzero.of(name)
}

// points is what one resource gives, 0 to bestScore.
func (f fit) points(requested, has int64) int64 {
	switch f.Type {
	case configuration.MostAllocated:
		return min(requested, has) * bestScore / has
	case configuration.RequestedToCapacityRatio:
		return f.onLine(min(100, requested*100/has))
	default:
		return max(0, has-requested) * bestScore / has
	}
}

// onLine reads the broken line of the shape at a utilization.
func (f fit) onLine(utilization int64) int64 {
	const scale = bestScore / 10 // a shape's best is 10
	for i, point := range f.Shape {
		if utilization > point.Utilization {
			continue
		}
		if i == 0 {
			return point.Score * scale
		}
		left := f.Shape[i-1]
		rise := (point.Score - left.Score) * scale * (utilization - left.Utilization)
		return left.Score*scale + rise/(point.Utilization-left.Utilization)
	}
	if len(f.Shape) == 0 {
		return 0
	}
	return f.Shape[len(f.Shape)-1].Score * scale
}
