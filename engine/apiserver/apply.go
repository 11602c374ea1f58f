package apiserver

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// apply is server-side apply (KEP-555): the body is what its manager wants the object to be as far as it cares. Fields the
// manager no longer names are removed when nobody else owns them; fields that another manager set otherwise are a conflict,
// unless force is given. An object that is not there is created.
func (s *Server) apply(q *call, p *patch, options *metav1.PatchOptions) error {
	wanted, err := p.applied()
	if err != nil {
		return err
	}
	manager, err := q.kind.FieldManager(q.info.Subresource)
	if err != nil {
		return internalError(err)
	}
	by := q.writer(options.FieldManager, options.DryRun)
	return s.respondUpdate(q, update{
		by: by, action: "Apply", createMissing: q.info.Subresource == "",
		compute: func(live runtime.Object) (runtime.Object, error) {
			obj, err := manager.Apply(live, wanted.DeepCopy(), options.FieldManager, ptr.Deref(options.Force, false))
			if err != nil {
				return nil, err
			}
			if err := p.checkDoubled(); err != nil {
				return nil, err
			}
			obj.GetObjectKind().SetGroupVersionKind(q.kind.GVK())
			q.kind.Default(obj)
			return obj, s.checkPatched(q.ctx(), q, obj)
		},
	})
}

func (p *patch) applied() (*unstructured.Unstructured, error) {
	wanted := &unstructured.Unstructured{Object: map[string]any{}}
	if err := yaml.Unmarshal(p.body, &wanted.Object); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error encoding patch: %v", err))
	}
	return wanted, nil
}

// checkDoubled finds keys that are there twice; unknown fields the field manager has refused already.
func (p *patch) checkDoubled() error {
	err := yaml.UnmarshalStrict(p.body, &map[string]any{})
	if err == nil || p.validation == metav1.FieldValidationIgnore {
		return nil
	}
	if p.validation == metav1.FieldValidationStrict {
		return apierrors.NewBadRequest(fmt.Sprintf("error strict decoding patch: %v", err))
	}
	p.warn(err.Error())
	return nil
}
