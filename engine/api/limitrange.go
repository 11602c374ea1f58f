package api

import (
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// limitRanges may come without a name.
var limitRanges = rules[*core.LimitRange]{
	create: func(lr *core.LimitRange) {
		if lr.Name == "" {
			lr.Name = string(uuid.NewUUID())
		}
	},
	validate: validation.ValidateLimitRange,
	update: change[*core.LimitRange]{
		validateFunc: func(obj, _ *core.LimitRange) field.ErrorList { return validation.ValidateLimitRange(obj) },
	},
}
