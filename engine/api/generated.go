package api

import (
	"context"

	"k8s.io/apimachinery/pkg/api/validate"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	serverfeatures "k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/util/feature"

	"k8s.io/component-base/featuregate"
)

// background is the context of upstream's rules: they only look values up in it.
var background = context.Background()

// validateGenerated runs the rules that upstream generates from marks on the external types (KEP-5073). old is nil on create.
func (r *Resource) validateGenerated(subresource string, in, old runtime.Object, errs field.ErrorList) field.ErrorList {
	generated, err := r.generatedErrors(subresource, in, old)
	if err != nil {
		return append(errs, field.InternalError(nil, err))
	}
	return mergeGenerated(errs, generated)
}

// mergeGenerated joins the errors of handwritten and generated rules: where both speak of one field for one reason, the
// generated error stays, unless its rule is still on trial.
func mergeGenerated(handwritten, generated field.ErrorList) field.ErrorList {
	beta := feature.DefaultFeatureGate.Enabled(serverfeatures.DeclarativeValidationBeta)
	enforced := validate.FilterEnforcedDeclarativeErrors(background, generated, beta)
	handwritten = validate.FilterCoveredHandwrittenErrors(background, handwritten.MarkFromImperative(), enforced, beta)
	return append(handwritten, enforced...)
}

func (r *Resource) generatedErrors(subresource string, in, old runtime.Object) (field.ErrorList, error) {
	obj, err := internal.ConvertToVersion(in, r.GroupVersion())
	if err != nil {
		return nil, err
	}
	var below []string
	if subresource != "" {
		below = []string{subresource}
	}
	options := r.strategy.options()
	if old == nil {
		return internal.Validate(background, options, obj, below...), nil
	}
	before, err := internal.ConvertToVersion(old, r.GroupVersion())
	if err != nil {
		return nil, err
	}
	return internal.ValidateUpdate(background, options, obj, before, below...), nil
}

// gate tells generated validation whether a feature is on.
func gate(name featuregate.Feature) map[string]bool {
	return map[string]bool{string(name): feature.DefaultFeatureGate.Enabled(name)}
}
