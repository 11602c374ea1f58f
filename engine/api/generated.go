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

// validateGenerated runs the rules that upstream generates from marks on the external types, and merges them with the errors
// of the handwritten ones: where both speak of the same field for the same reason, the generated error stays (KEP-5073).
// old is nil on create.
func (r *Resource) validateGenerated(subresource string, in, old runtime.Object, errs field.ErrorList) field.ErrorList {
	generated, err := r.generatedErrors(subresource, in, old)
	if err != nil {
		return append(errs, field.InternalError(nil, err))
	}
	ctx := context.Background()
	beta := feature.DefaultFeatureGate.Enabled(serverfeatures.DeclarativeValidationBeta)
	enforced := validate.FilterEnforcedDeclarativeErrors(ctx, generated, beta)
	errs = validate.FilterCoveredHandwrittenErrors(ctx, errs.MarkFromImperative(), enforced, beta)
	return append(errs, enforced...)
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
	ctx, options := context.Background(), r.strategy.options()
	if old == nil {
		return internal.Validate(ctx, options, obj, below...), nil
	}
	before, err := internal.ConvertToVersion(old, r.GroupVersion())
	if err != nil {
		return nil, err
	}
	return internal.ValidateUpdate(ctx, options, obj, before, below...), nil
}

// gate tells generated validation whether a feature is on.
func gate(name featuregate.Feature) map[string]bool {
	return map[string]bool{string(name): feature.DefaultFeatureGate.Enabled(name)}
}

