package api

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/feature"
	claimutil "k8s.io/kubernetes/pkg/api/persistentvolumeclaim"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/features"
)

// statefulSets keep most of their spec for life: pods that exist have names and claims that follow from it.
var statefulSets = rules[*apps.StatefulSet]{
	create: func(set *apps.StatefulSet) {
		set.Status = apps.StatefulSetStatus{}
		set.Generation = 1
		dropMaxUnavailable(set, nil)
		podutil.DropDisabledTemplateFields(&set.Spec.Template, nil)
	},
	validate: func(set *apps.StatefulSet) field.ErrorList {
		opts := validation.StatefulSetValidationOptions{AllowStatefulSetRecreateStrategy: recreatesStatefulSets()}
		return validation.ValidateStatefulSet(set, opts, podutil.GetValidationOptionsFromPodTemplate(&set.Spec.Template, nil))
	},
	warn: func(set *apps.StatefulSet) []string {
		return append(templateWarnings(&set.Spec.Template, nil), statefulSetWarnings(set, "")...)
	},
	update: change[*apps.StatefulSet]{
		prepareFunc:  updateStatefulSet,
		validateFunc: validateStatefulSetUpdate,
		warnFunc: func(obj, old *apps.StatefulSet) []string {
			var warnings []string
			if obj.Generation != old.Generation {
				warnings = templateWarnings(&obj.Spec.Template, &old.Spec.Template)
			}
			return append(warnings, statefulSetWarnings(obj, "Spec")...) // the capital is upstream's
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*apps.StatefulSet]{
		"status": {
			prepareFunc:  func(obj, old *apps.StatefulSet) { obj.Spec = old.Spec },
			validateFunc: validation.ValidateStatefulSetStatusUpdate,
			reset:        []string{"spec"},
		},
	},
	scale: func(set *apps.StatefulSet) *scaleParts {
		return &scaleParts{replicas: &set.Spec.Replicas, current: set.Status.Replicas, selector: set.Spec.Selector}
	},
}

func recreatesStatefulSets() bool {
	return feature.DefaultFeatureGate.Enabled(features.StatefulSetRecreateStrategy)
}

func updateStatefulSet(obj, old *apps.StatefulSet) {
	obj.Status = old.Status
	dropMaxUnavailable(obj, old)
	podutil.DropDisabledTemplateFields(&obj.Spec.Template, &old.Spec.Template)
	if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		obj.Generation = old.Generation + 1
	}
}

// dropMaxUnavailable clears a field behind a feature gate, unless the set had it already. old is nil on create.
func dropMaxUnavailable(obj, old *apps.StatefulSet) {
	if feature.DefaultFeatureGate.Enabled(features.MaxUnavailableStatefulSet) || obj.Spec.UpdateStrategy.RollingUpdate == nil {
		return
	}
	if old != nil && old.Spec.UpdateStrategy.RollingUpdate != nil && old.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable != nil {
		return
	}
	obj.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = nil
}

// validateStatefulSetUpdate forgives what cannot be changed any more and was accepted by an older version.
func validateStatefulSetUpdate(obj, old *apps.StatefulSet) field.ErrorList {
	opts := validation.StatefulSetValidationOptions{
		AllowInvalidServiceName:          true,
		SkipValidateVolumeClaimTemplates: true,
		AllowStatefulSetRecreateStrategy: recreatesStatefulSets() || old.Spec.UpdateStrategy.Type == apps.RecreateStatefulSetStrategyType,
	}
	return validation.ValidateStatefulSetUpdate(obj, old, opts,
		podutil.GetValidationOptionsFromPodTemplate(&obj.Spec.Template, &old.Spec.Template))
}

// statefulSetWarnings speaks of claims below volumeClaimTemplates[i].<child>.
func statefulSetWarnings(set *apps.StatefulSet, child string) []string {
	var warnings []string
	for i, claim := range set.Spec.VolumeClaimTemplates {
		path := field.NewPath("spec", "volumeClaimTemplates").Index(i)
		if child != "" {
			path = path.Child(child)
		}
		warnings = append(warnings, claimutil.GetWarningsForPersistentVolumeClaimSpec(path, claim.Spec)...)
	}
	if limit := set.Spec.RevisionHistoryLimit; limit != nil && *limit < 0 {
		warnings = append(warnings, "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended")
	}
	return warnings
}
