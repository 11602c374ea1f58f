package scheduler

import (
	"math"

	corev1 "k8s.io/api/core/v1"
)

// The ways to prefer nodes by what is used of them.
const (
	LeastAllocated           = "LeastAllocated"           // spread: the emptier the better
	MostAllocated            = "MostAllocated"            // pack: the fuller the better
	RequestedToCapacityRatio = "RequestedToCapacityRatio" // as the shape says
)

// FitStrategy is how NodeResourcesFit gives points. The zero value is LeastAllocated of CPU and memory.
type FitStrategy struct {
	Type string
	// Resources and their weights; CPU and memory with weight 1 when empty.
	Resources []ResourceWeight
	// Shape is for RequestedToCapacityRatio: points of a line, by rising utilization.
	Shape []ShapePoint
}

// ShapePoint says how many points, 0 to 10, a node gets of which Utilization percent would be requested.
type ShapePoint struct{ Utilization, Score int64 }

// ResourceWeight says how much a resource counts.
type ResourceWeight struct {
	Name   corev1.ResourceName
	Weight int64
}

var cpuAndMemory = []ResourceWeight{{corev1.ResourceCPU, 1}, {corev1.ResourceMemory, 1}}

func (f FitStrategy) score(p *podInfo, n *nodeInfo) int64 {
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
		if f.Type == RequestedToCapacityRatio && points == 0 {
			continue // as upstream has it: a resource without points does not count
		}
		sum += points * r.Weight
		weights += r.Weight
	}
	switch {
	case weights == 0:
		return 0
	case f.Type == RequestedToCapacityRatio:
		return int64(math.Round(float64(sum) / float64(weights)))
	default:
		return sum / weights
	}
}

// of is what is asked of a resource; for the two simple strategies containers that ask for nothing count as small ones.
func (f FitStrategy) of(name corev1.ResourceName, requests, nonzero *amounts) int64 {
	if f.Type == RequestedToCapacityRatio {
		return requests.of(name)
	}
	return nonzero.of(name)
}

// points is what one resource gives, 0 to bestScore.
func (f FitStrategy) points(requested, has int64) int64 {
	switch f.Type {
	case MostAllocated:
		return min(requested, has) * bestScore / has
	case RequestedToCapacityRatio:
		return f.onLine(min(100, requested*100/has))
	default:
		return max(0, has-requested) * bestScore / has
	}
}

// onLine reads the broken line of the shape at a utilization.
func (f FitStrategy) onLine(utilization int64) int64 {
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
