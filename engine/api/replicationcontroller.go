package api

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/helper"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// replicationControllers are what ReplicaSets were before selectors had operators.
var replicationControllers = rules[*core.ReplicationController]{
	create: func(rc *core.ReplicationController) {
		rc.Status = core.ReplicationControllerStatus{}
		rc.Generation = 1
		podutil.DropDisabledTemplateFields(rc.Spec.Template, nil)
	},
	validate: func(rc *core.ReplicationController) field.ErrorList {
		return validation.ValidateReplicationController(rc, podutil.GetValidationOptionsFromPodTemplate(rc.Spec.Template, nil))
	},
	warn: func(rc *core.ReplicationController) []string {
		return append(nameWarning(rc.Name, "Pod names and hostnames"), templateWarnings(rc.Spec.Template, nil)...)
	},
	update: change[*core.ReplicationController]{
		prepareFunc:  updateReplicationController,
		validateFunc: validateReplicationControllerUpdate,
		warnFunc: func(obj, old *core.ReplicationController) []string {
			if obj.Generation == old.Generation {
				return nil
			}
			return templateWarnings(obj.Spec.Template, old.Spec.Template)
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*core.ReplicationController]{
		"status": {
			prepareFunc:  func(obj, old *core.ReplicationController) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateReplicationControllerStatusUpdate,
			reset:        []string{"spec"},
		},
	},
	fields: func(rc *core.ReplicationController) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(rc.Status.Replicas))}
	},
	scale: func(rc *core.ReplicationController) *scaleParts {
		if rc.Spec.Replicas == nil {
			rc.Spec.Replicas = new(int32)
		}
		return &scaleParts{
			replicas: rc.Spec.Replicas, current: rc.Status.Replicas,
			selector: &metav1.LabelSelector{MatchLabels: rc.Spec.Selector},
		}
	},
}

func updateReplicationController(obj, old *core.ReplicationController) {
	obj.Status = old.Status
	podutil.DropDisabledTemplateFields(obj.Spec.Template, old.Spec.Template)
	if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		obj.Generation = old.Generation + 1
	}
}

// validateReplicationControllerUpdate also guards a selector that came from a ReplicaSet and could not be said in this kind.
func validateReplicationControllerUpdate(obj, old *core.ReplicationController) field.ErrorList {
	errs := validation.ValidateReplicationControllerUpdate(obj, old,
		podutil.GetValidationOptionsFromPodTemplate(obj.Spec.Template, old.Spec.Template))
	for key, value := range helper.NonConvertibleFields(old.Annotations) {
		_, name, ok := strings.Cut(key, "/")
		switch {
		case !ok:
		case !strings.Contains(name, "selector"):
			errs = append(errs, &field.Error{Type: field.ErrorTypeNotFound, BadValue: value, Field: name, Detail: "unknown non-convertible field"})
		case !equality.Semantic.DeepEqual(old.Spec.Selector, obj.Spec.Selector):
			errs = append(errs, field.Invalid(field.NewPath("spec", "selector"), obj.Spec.Selector, "cannot update non-convertible selector"))
		}
	}
	return errs
}
