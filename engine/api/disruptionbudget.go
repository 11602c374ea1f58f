package api

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/policy"
	"k8s.io/kubernetes/pkg/apis/policy/validation"
)

// podDisruptionBudgets are counted down by evictions and set anew by their controller, both in the status.
var podDisruptionBudgets = rules[*policy.PodDisruptionBudget]{
	create: func(pdb *policy.PodDisruptionBudget) {
		pdb.Status = policy.PodDisruptionBudgetStatus{}
		pdb.Generation = 1
		dropOldSelectorMark(pdb, nil)
	},
	validate: func(pdb *policy.PodDisruptionBudget) field.ErrorList {
		return validation.ValidatePodDisruptionBudget(pdb, validation.PodDisruptionBudgetValidationOptions{})
	},
	update: change[*policy.PodDisruptionBudget]{
		prepareFunc: func(obj, old *policy.PodDisruptionBudget) {
			obj.Status = old.Status
			if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
				obj.Generation = old.Generation + 1
			}
			dropOldSelectorMark(obj, old)
		},
		validateFunc: func(obj, old *policy.PodDisruptionBudget) field.ErrorList {
			strict := metav1validation.LabelSelectorValidationOptions{}
			wasBad := old.Spec.Selector != nil && len(metav1validation.ValidateLabelSelector(old.Spec.Selector, strict, nil)) > 0
			return validation.ValidatePodDisruptionBudget(obj, validation.PodDisruptionBudgetValidationOptions{AllowInvalidLabelValueInSelector: wasBad})
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*policy.PodDisruptionBudget]{
		"status": {
			prepareFunc: func(obj, old *policy.PodDisruptionBudget) { obj.Spec = old.Spec },
			validateFunc: func(obj, old *policy.PodDisruptionBudget) field.ErrorList {
				return validation.ValidatePodDisruptionBudgetStatusUpdate(obj.Status, old.Status, field.NewPath("status"), policyv1.SchemeGroupVersion)
			},
			reset: []string{"spec"},
		},
	},
}

// dropOldSelectorMark takes away a label by which conversion tells what an empty selector meant in v1beta1, unless it is just
// that; one that was stored stays.
func dropOldSelectorMark(obj, old *policy.PodDisruptionBudget) {
	selector := obj.Spec.Selector
	if old != nil && equality.Semantic.DeepEqual(old.Spec.Selector, selector) ||
		equality.Semantic.DeepEqual(selector, policy.NonV1beta1MatchNoneSelector) ||
		equality.Semantic.DeepEqual(selector, policy.NonV1beta1MatchAllSelector) {
		return
	}
	policy.StripPDBV1beta1Label(selector)
}
