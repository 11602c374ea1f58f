package api

import (
	"k8s.io/kubernetes/pkg/apis/scheduling"
	"k8s.io/kubernetes/pkg/apis/scheduling/validation"
)

// priorityClasses are names for numbers; the number never changes, because pods have copied it. Names that begin with
// "system-" are taken.
var priorityClasses = rules[*scheduling.PriorityClass]{
	create:   func(class *scheduling.PriorityClass) { class.Generation = 1 },
	validate: validation.ValidatePriorityClass,
	update:   change[*scheduling.PriorityClass]{validateFunc: validation.ValidatePriorityClassUpdate},
}
