package api

import (
	"errors"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Scale shows an object that has a scale subresource as an autoscaling/v1 Scale, with the ownership of spec.replicas.
func (r *Resource) Scale(obj runtime.Object) (*autoscalingv1.Scale, error) {
	return nil, errors.New("not yet")
}

// WithScale returns a copy of live with the replicas, resourceVersion and ownership of a changed scale; pass it to BeforeUpdate
// with subresource "". A bad scale is Invalid, one of another object (uid) is a Conflict.
func (r *Resource) WithScale(live runtime.Object, scale *autoscalingv1.Scale) (runtime.Object, error) {
	return nil, errors.New("not yet")
}
