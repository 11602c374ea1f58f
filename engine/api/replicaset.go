package api

import (
	"context"
	"strconv"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
)

// replicaSets count their spec in metadata.generation, so that status.observedGeneration can say which one the controller saw.
var replicaSets = rules[*apps.ReplicaSet]{
	create: func(rs *apps.ReplicaSet) {
		rs.Status = apps.ReplicaSetStatus{}
		rs.Generation = 1
		podutil.DropDisabledTemplateFields(&rs.Spec.Template, nil)
	},
	validate: func(rs *apps.ReplicaSet) field.ErrorList {
		return validation.ValidateReplicaSet(rs, podutil.GetValidationOptionsFromPodTemplate(&rs.Spec.Template, nil))
	},
	warn: func(rs *apps.ReplicaSet) []string {
		return append(nameWarning(rs.Name, "Pod names and hostnames"), templateWarnings(&rs.Spec.Template, nil)...)
	},
	update: change[*apps.ReplicaSet]{
		prepareFunc: updateReplicaSet,
		validateFunc: func(obj, old *apps.ReplicaSet) field.ErrorList {
			opts := podutil.GetValidationOptionsFromPodTemplate(&obj.Spec.Template, &old.Spec.Template)
			return validation.ValidateReplicaSetUpdate(obj, old, opts)
		},
		warnFunc: func(obj, old *apps.ReplicaSet) []string {
			if obj.Generation == old.Generation {
				return nil
			}
			return templateWarnings(&obj.Spec.Template, &old.Spec.Template)
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*apps.ReplicaSet]{
		"status": {
			prepareFunc:  func(obj, old *apps.ReplicaSet) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateReplicaSetStatusUpdate,
			reset:        []string{"spec"},
		},
	},
	fields: func(rs *apps.ReplicaSet) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(rs.Status.Replicas))}
	},
	scale: func(rs *apps.ReplicaSet) *scaleParts {
		return &scaleParts{replicas: &rs.Spec.Replicas, current: rs.Status.Replicas, selector: rs.Spec.Selector}
	},
}

func updateReplicaSet(obj, old *apps.ReplicaSet) {
	obj.Status = old.Status
	podutil.DropDisabledTemplateFields(&obj.Spec.Template, &old.Spec.Template)
	if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		obj.Generation = old.Generation + 1
	}
}

// templateWarnings warns of what is in a pod template; old is nil on create.
func templateWarnings(template, old *core.PodTemplateSpec) []string {
	return podutil.GetWarningsForPodTemplate(context.Background(), field.NewPath("spec", "template"), template, old)
}
