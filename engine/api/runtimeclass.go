package api

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
	nodeutil "k8s.io/kubernetes/pkg/api/node"
	"k8s.io/kubernetes/pkg/apis/node"
	"k8s.io/kubernetes/pkg/apis/node/validation"
)

// runtimeClasses name a handler of the container runtime, for life.
var runtimeClasses = rules[*node.RuntimeClass]{
	validate: validation.ValidateRuntimeClass,
	warn:     nodeutil.GetWarningsForRuntimeClass,
	update: change[*node.RuntimeClass]{
		validateFunc: func(obj, old *node.RuntimeClass) field.ErrorList {
			return append(validation.ValidateRuntimeClass(obj), validation.ValidateRuntimeClassUpdate(obj, old)...)
		},
		warnFunc: func(obj, _ *node.RuntimeClass) []string { return nodeutil.GetWarningsForRuntimeClass(obj) },
	},
}
