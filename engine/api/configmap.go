package api

import (
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// configMaps have no status and no generation: what is sent is what is stored, if the keys are file names and it all fits in 1 MiB.
var configMaps = rules[*core.ConfigMap]{
	validate: validation.ValidateConfigMap,
	update:   change[*core.ConfigMap]{validateFunc: validation.ValidateConfigMapUpdate},
}
