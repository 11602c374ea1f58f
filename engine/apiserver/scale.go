package apiserver

import (
	"fmt"
	"net/http"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"drydock/engine/api"
)

// The scale subresource shows any workload as a number of replicas, so that whoever scales need not know the kind.

var scaleGVK = autoscalingv1.SchemeGroupVersion.WithKind("Scale")

var scalePatchKind = patchKind{
	gvk:   scaleGVK,
	empty: func() runtime.Object { return newScale() },
	fill:  func(runtime.Object) {},
}

func newScale() *autoscalingv1.Scale {
	scale := &autoscalingv1.Scale{}
	scale.SetGroupVersionKind(scaleGVK)
	return scale
}

func (s *Server) getScale(q *call) error {
	e, err := s.stored(q.ctx(), q.target())
	if err != nil {
		return err
	}
	return s.respondScale(q, e)
}

func (s *Server) respondScale(q *call, e *entry) error {
	scale, err := q.kind.Scale(e.obj)
	if err != nil {
		return err
	}
	scale.SetGroupVersionKind(scaleGVK)
	return q.respondObject(http.StatusOK, scale)
}

func (s *Server) updateScale(q *call) error {
	options := &metav1.UpdateOptions{}
	check := func() field.ErrorList { return metavalidation.ValidateUpdateOptions(options) }
	if err := q.query(options, check, "UpdateOptions"); err != nil {
		return err
	}
	obj, err := q.decodeBody(scaleGVK, options.FieldValidation)
	if err != nil {
		return err
	}
	if err := q.checkName(obj); err != nil {
		return err
	}
	scale, ok := obj.(*autoscalingv1.Scale)
	if !ok {
		return wrongKind(obj.GetObjectKind().GroupVersionKind(), scaleGVK)
	}
	return s.scaleObject(q, q.writer(options.FieldManager, options.DryRun), func(*autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
		return scale.DeepCopy(), nil
	})
}

func (s *Server) patchScale(q *call) error {
	p, options, err := q.patch(scalePatchKind)
	if err != nil {
		return err
	}
	by := q.writer(options.FieldManager, options.DryRun)
	return s.scaleObject(q, by, func(live *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
		if p.how == types.ApplyYAMLPatchType {
			return s.applyScale(q.kind, p, options, live)
		}
		obj, err := p.on(live)
		if err != nil {
			return nil, err
		}
		if err := q.checkName(obj); err != nil {
			return nil, err
		}
		return s.ownScale(q.kind, live, obj, by)
	})
}

func (s *Server) ownScale(kind *api.Resource, live, obj runtime.Object, by writer) (*autoscalingv1.Scale, error) {
	manager, err := kind.FieldManager("scale")
	if err != nil {
		return nil, internalError(err)
	}
	return manager.UpdateNoErrors(live, obj, by.manager).(*autoscalingv1.Scale), nil
}

func (s *Server) applyScale(kind *api.Resource, p *patch, options *metav1.PatchOptions, live *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
	manager, err := kind.FieldManager("scale")
	if err != nil {
		return nil, internalError(err)
	}
	wanted, err := p.applied()
	if err != nil {
		return nil, err
	}
	return appliedScale(manager.Apply(live, wanted, options.FieldManager, options.Force != nil && *options.Force))
}

func appliedScale(obj runtime.Object, err error) (*autoscalingv1.Scale, error) {
	if err != nil {
		return nil, err
	}
	scale, ok := obj.(*autoscalingv1.Scale)
	if !ok {
		return nil, internalError(fmt.Errorf("field manager returned a %T for a scale", obj))
	}
	return scale, nil
}

// scaleObject changes the object by way of its scale.
func (s *Server) scaleObject(q *call, by writer, compute func(*autoscalingv1.Scale) (*autoscalingv1.Scale, error)) error {
	t := q.target()
	e, _, err := s.updateObject(q.ctx(), t, update{by: by, action: "Scale", compute: func(live runtime.Object) (runtime.Object, error) {
		before, err := q.kind.Scale(live)
		if err != nil {
			return nil, err
		}
		before.SetGroupVersionKind(scaleGVK)
		after, err := compute(before)
		if err != nil {
			return nil, err
		}
		return q.kind.WithScale(live, after)
	}})
	if err != nil {
		return err
	}
	return s.respondScale(q, e)
}
