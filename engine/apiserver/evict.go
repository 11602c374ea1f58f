package apiserver

import (
	"context"
	"net/http"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// evict deletes a pod as a drain would: a wish that a disruption budget may refuse. Each pod that a budget lets go is
// subtracted from it at once, so that two drains at the same time cannot both take the last one.
func (s *Server) evict(q *call) error {
	options, by, err := q.eviction()
	if err != nil {
		return err
	}
	if err := s.evictPod(q.ctx(), q.target(), options, by); err != nil {
		return err
	}
	return q.respondStatus(http.StatusCreated, &metav1.Status{Status: metav1.StatusSuccess, Code: http.StatusCreated})
}

// eviction reads the request.
func (q *call) eviction() (*metav1.DeleteOptions, writer, error) {
	gvk := policyv1.SchemeGroupVersion.WithKind("Eviction")
	obj, err := q.decodeBody(gvk, q.r.URL.Query().Get("fieldValidation"))
	if err != nil {
		return nil, writer{}, err
	}
	eviction, ok := obj.(*policyv1.Eviction)
	if !ok {
		return nil, writer{}, wrongKind(obj.GetObjectKind().GroupVersionKind(), gvk)
	}
	if eviction.Name != "" && eviction.Name != q.info.Name {
		return nil, writer{}, apierrors.NewBadRequest("name in URL does not match name in Eviction object")
	}
	options := eviction.DeleteOptions
	if options == nil {
		options = &metav1.DeleteOptions{}
	}
	if asked := q.r.URL.Query()["dryRun"]; len(options.DryRun) == 0 {
		options.DryRun = asked
	} else if len(asked) > 0 && !reflect.DeepEqual(asked, options.DryRun) {
		return nil, writer{}, apierrors.NewBadRequest("Non-matching dry-run options in request and content")
	}
	by := q.writer("", options.DryRun)
	by.subresource = "eviction"
	return options, by, nil
}

func (s *Server) evictPod(ctx context.Context, t target, options *metav1.DeleteOptions, by writer) error {
	for {
		e, err := s.stored(ctx, t)
		if err != nil {
			return err
		}
		attributes := admission{kind: t.kind, namespace: t.namespace, name: t.name, operation: operationCreate, old: e.obj, by: by}
		if err := s.admitFromNode(ctx, attributes); err != nil {
			return err
		}
		leave, err := s.mayLeave(ctx, e.obj.(*corev1.Pod), by)
		if err != nil {
			return err
		}
		pinned := leave.thisVersion && (options.Preconditions == nil || options.Preconditions.ResourceVersion == nil)
		if pinned {
			err = s.deleteEvicted(ctx, t, pin(options, e.meta.GetResourceVersion()), by)
		} else {
			err = s.deleteEvicted(ctx, t, options, by)
		}
		switch {
		case !pinned || !apierrors.IsConflict(err) || ctx.Err() != nil:
			return err
		case leave.budget != "":
			return stillProcessed(leave.budget)
		}
	}
}

// pin makes a wish good for one version of the object only.
func pin(options *metav1.DeleteOptions, version string) *metav1.DeleteOptions {
	options = options.DeepCopy()
	if options.Preconditions == nil {
		options.Preconditions = &metav1.Preconditions{}
	}
	options.Preconditions.ResourceVersion = &version
	return options
}

// deleteEvicted marks the pod, so that its owner sees afterwards that it was evicted rather than failed (KEP-3329), and
// deletes it.
func (s *Server) deleteEvicted(ctx context.Context, t target, options *metav1.DeleteOptions, by writer) error {
	if !by.dryRun {
		marked, _, err := s.updateRaw(ctx, t, "Evict", by, func(obj runtime.Object) error {
			pod := obj.(*corev1.Pod)
			if err := checkPreconditions(t, pod, options.Preconditions); err != nil {
				return err
			}
			setCondition(pod, corev1.PodCondition{
				Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now(),
				Reason: "EvictionByEvictionAPI", Message: "Eviction API: evicting",
			})
			return nil
		})
		if err != nil {
			return err
		}
		if options.Preconditions != nil && options.Preconditions.ResourceVersion != nil {
			options = pin(options, marked.meta.GetResourceVersion())
		}
	}
	_, _, err := s.deleteObject(ctx, t, options, by)
	return err
}
