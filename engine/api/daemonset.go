package api

import (
	"k8s.io/apimachinery/pkg/api/equality"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/apps/validation"
)

// daemonSets count changes of their template apart, as they did before there were ControllerRevisions; clients never see the
// number but in an annotation.
var daemonSets = rules[*apps.DaemonSet]{
	create: func(ds *apps.DaemonSet) {
		ds.Status = apps.DaemonSetStatus{}
		ds.Generation = 1
		ds.Spec.TemplateGeneration = max(ds.Spec.TemplateGeneration, 1)
		podutil.DropDisabledTemplateFields(&ds.Spec.Template, nil)
	},
	validate: func(ds *apps.DaemonSet) field.ErrorList {
		return validation.ValidateDaemonSet(ds, podutil.GetValidationOptionsFromPodTemplate(&ds.Spec.Template, nil))
	},
	warn: func(ds *apps.DaemonSet) []string { return templateWarnings(&ds.Spec.Template, nil) },
	update: change[*apps.DaemonSet]{
		prepareFunc: updateDaemonSet,
		validateFunc: func(obj, old *apps.DaemonSet) field.ErrorList {
			opts := podutil.GetValidationOptionsFromPodTemplate(&obj.Spec.Template, &old.Spec.Template)
			opts.AllowInvalidLabelValueInSelector = opts.AllowInvalidLabelValueInSelector ||
				metav1validation.LabelSelectorHasInvalidLabelValue(old.Spec.Selector)
			return validation.ValidateDaemonSetUpdate(obj, old, opts)
		},
		warnFunc: func(obj, old *apps.DaemonSet) []string {
			if obj.Spec.TemplateGeneration == old.Spec.TemplateGeneration {
				return nil
			}
			return templateWarnings(&obj.Spec.Template, &old.Spec.Template)
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*apps.DaemonSet]{
		"status": {
			prepareFunc:  func(obj, old *apps.DaemonSet) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateDaemonSetStatusUpdate,
			reset:        []string{"spec"},
		},
	},
}

func updateDaemonSet(obj, old *apps.DaemonSet) {
	podutil.DropDisabledTemplateFields(&obj.Spec.Template, &old.Spec.Template)
	obj.Status = old.Status
	obj.Spec.TemplateGeneration = old.Spec.TemplateGeneration
	if !equality.Semantic.DeepEqual(obj.Spec.Template, old.Spec.Template) {
		obj.Spec.TemplateGeneration++
	}
	if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		obj.Generation = old.Generation + 1
	}
}
