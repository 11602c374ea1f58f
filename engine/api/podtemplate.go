package api

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// podTemplates are templates on their own, for controllers that people write.
var podTemplates = rules[*core.PodTemplate]{
	create: func(t *core.PodTemplate) {
		t.Generation = 1
		podutil.DropDisabledTemplateFields(&t.Template, nil)
	},
	validate: func(t *core.PodTemplate) field.ErrorList {
		return validation.ValidatePodTemplate(t, podutil.GetValidationOptionsFromPodTemplate(&t.Template, nil))
	},
	warn: func(t *core.PodTemplate) []string {
		return podutil.GetWarningsForPodTemplate(background, field.NewPath("template"), &t.Template, nil)
	},
	update: change[*core.PodTemplate]{
		prepareFunc: func(obj, old *core.PodTemplate) {
			podutil.DropDisabledTemplateFields(&obj.Template, &old.Template)
			if !equality.Semantic.DeepEqual(obj.Template, old.Template) {
				obj.Generation = old.Generation + 1
			}
		},
		validateFunc: func(obj, old *core.PodTemplate) field.ErrorList {
			return validation.ValidatePodTemplateUpdate(obj, old, podutil.GetValidationOptionsFromPodTemplate(&obj.Template, &old.Template))
		},
		warnFunc: func(obj, old *core.PodTemplate) []string {
			if obj.Generation == old.Generation {
				return nil
			}
			return podutil.GetWarningsForPodTemplate(background, field.NewPath("template"), &obj.Template, &old.Template)
		},
	},
}
