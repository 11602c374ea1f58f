package configuration

import corev1 "k8s.io/api/core/v1"

// Profile is how the pods are scheduled that ask for it in spec.schedulerName.
type Profile struct {
	SchedulerName string
	// Fit is how NodeResourcesFit prefers nodes.
	Fit Fit
	// Weights of Score plugins, by name, in place of their own; 0 turns a plugin's points off.
	Weights map[string]int64
	// Disabled plugins, by name, do nothing at all.
	Disabled []string
	// NoFilter are plugins, by name, that refuse no node; they may give points.
	NoFilter []string
}

// The ways to prefer nodes by what is used of them.
const (
	LeastAllocated           = "LeastAllocated"           // spread: the emptier the better
	MostAllocated            = "MostAllocated"            // pack: the fuller the better
	RequestedToCapacityRatio = "RequestedToCapacityRatio" // as the shape says
)

// Fit is how NodeResourcesFit gives points. The zero value is LeastAllocated of CPU and memory.
type Fit struct {
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
