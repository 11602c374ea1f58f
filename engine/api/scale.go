package api

import (
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	genericvalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// scaleParts is where a scalable object keeps what a Scale shows.
type scaleParts struct {
	replicas *int32 // the wish, in the object
	current  int32
	selector *metav1.LabelSelector
}

var scaleKind = autoscalingv1.SchemeGroupVersion.WithKind("Scale")

// Scale shows an object that has a scale subresource as an autoscaling/v1 Scale, with the ownership of spec.replicas. obj is only read.
func (r *Resource) Scale(obj runtime.Object) (*autoscalingv1.Scale, error) {
	in, err := r.viewInternal(obj)
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	parts := r.strategy.scaled(in)
	if parts == nil {
		return nil, errors.NewMethodNotSupported(r.GroupResource(), "scale")
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	selector, err := metav1.LabelSelectorAsSelector(parts.selector)
	if err != nil {
		return nil, errors.NewBadRequest(err.Error())
	}
	owners, err := r.scaleOwners(accessor).ToSubresource()
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	scale := &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Name: accessor.GetName(), Namespace: accessor.GetNamespace(), UID: accessor.GetUID(),
			ResourceVersion: accessor.GetResourceVersion(), CreationTimestamp: accessor.GetCreationTimestamp(), ManagedFields: owners,
		},
		Spec:   autoscalingv1.ScaleSpec{Replicas: *parts.replicas},
		Status: autoscalingv1.ScaleStatus{Replicas: parts.current, Selector: selector.String()},
	}
	scale.SetGroupVersionKind(scaleKind)
	return scale, nil
}

// scaleOwners translates between the owners of an object's fields and those of its Scale's.
func (r *Resource) scaleOwners(accessor metav1.Object) *managedfields.ScaleHandler {
	gv := r.GroupVersion()
	return managedfields.NewScaleHandler(accessor.GetManagedFields(), gv,
		managedfields.ResourcePathMappings{gv.String(): fieldpath.MakePathOrDie("spec", "replicas")})
}

// WithScale returns a copy of live with the replicas, resourceVersion and ownership of a changed scale; pass it to BeforeUpdate
// with subresource "". A bad scale is Invalid, one of another object (uid) is a Conflict.
func (r *Resource) WithScale(live runtime.Object, scale *autoscalingv1.Scale) (runtime.Object, error) {
	before, err := r.Scale(live)
	if err != nil {
		return nil, err
	}
	if errs := validateScale(scale, before); len(errs) > 0 {
		return nil, errors.NewInvalid(scaleKind.GroupKind(), before.Name, errs)
	}
	if scale.UID != "" && scale.UID != before.UID {
		gr := r.GroupResource()
		gr.Resource += "/scale"
		return nil, errors.NewConflict(gr, before.Name,
			fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", scale.UID, before.UID)) //nolint:staticcheck // upstream's words
	}
	in, err := r.toInternal(live)
	if err != nil {
		return nil, errors.NewInternalError(err)
	}
	*r.strategy.scaled(in).replicas = scale.Spec.Replicas
	out := r.New()
	if err := r.replace(out, in); err != nil {
		return nil, errors.NewInternalError(err)
	}
	return out, r.passOwnership(out, scale)
}

// passOwnership moves the scale's version and owners to the object it belongs to.
func (r *Resource) passOwnership(out runtime.Object, scale *autoscalingv1.Scale) error {
	accessor, err := meta.Accessor(out)
	if err != nil {
		return errors.NewInternalError(err)
	}
	owners, err := r.scaleOwners(accessor).ToParent(scale.ManagedFields)
	if err != nil {
		return errors.NewInternalError(err)
	}
	accessor.SetResourceVersion(scale.ResourceVersion)
	accessor.SetManagedFields(owners)
	return nil
}

func validateScale(scale, before *autoscalingv1.Scale) field.ErrorList {
	errs := metav1validation.ValidateManagedFields(scale.ManagedFields, field.NewPath("metadata", "managedFields"))
	negative := genericvalidation.ValidateNonnegativeField(int64(scale.Spec.Replicas), field.NewPath("spec", "replicas"))
	errs = append(errs, negative.MarkCoveredByDeclarative()...)
	return mergeGenerated(errs, internal.ValidateUpdate(background, nil, scale, before, "scale"))
}
