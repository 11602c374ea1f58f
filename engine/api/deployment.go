package api

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/apps/validation"
)

// deployments count changed annotations as a new generation too, because the controller copies them to its ReplicaSets.
var deployments = rules[*apps.Deployment]{
	create: func(d *apps.Deployment) {
		d.Status = apps.DeploymentStatus{}
		d.Generation = 1
		podutil.DropDisabledTemplateFields(&d.Spec.Template, nil)
	},
	validate: func(d *apps.Deployment) field.ErrorList {
		return validation.ValidateDeployment(d, podutil.GetValidationOptionsFromPodTemplate(&d.Spec.Template, nil))
	},
	warn: func(d *apps.Deployment) []string {
		return append(nameWarning(d.Name, "Pod names and hostnames"), templateWarnings(&d.Spec.Template, nil)...)
	},
	update: change[*apps.Deployment]{
		prepareFunc: updateDeployment,
		validateFunc: func(obj, old *apps.Deployment) field.ErrorList {
			opts := podutil.GetValidationOptionsFromPodTemplate(&obj.Spec.Template, &old.Spec.Template)
			return validation.ValidateDeploymentUpdate(obj, old, opts)
		},
		warnFunc: func(obj, old *apps.Deployment) []string {
			if obj.Generation == old.Generation {
				return nil
			}
			return templateWarnings(&obj.Spec.Template, &old.Spec.Template)
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*apps.Deployment]{
		"status": {
			prepareFunc: func(obj, old *apps.Deployment) {
				obj.Spec = old.Spec
				obj.Labels = old.Labels
			},
			validateFunc: validation.ValidateDeploymentStatusUpdate,
			reset:        []string{"spec", "metadata.labels"},
		},
	},
	scale: func(d *apps.Deployment) *scaleParts {
		return &scaleParts{replicas: &d.Spec.Replicas, current: d.Status.Replicas, selector: d.Spec.Selector}
	},
}

func updateDeployment(obj, old *apps.Deployment) {
	obj.Status = old.Status
	podutil.DropDisabledTemplateFields(&obj.Spec.Template, &old.Spec.Template)
	if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) || !equality.Semantic.DeepEqual(obj.Annotations, old.Annotations) {
		obj.Generation = old.Generation + 1
	}
}
