package apiserver

import (
	"context"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// evict deletes a pod as a drain would: a wish that a disruption budget may refuse.
//
// Kubernetes: PodDisruptionBudgets are looked at here.
func (s *Server) evict(q *call) error {
	gvk := policyv1.SchemeGroupVersion.WithKind("Eviction")
	obj, err := q.decodeBody(gvk, q.r.URL.Query().Get("fieldValidation"))
	if err != nil {
		return err
	}
	eviction, ok := obj.(*policyv1.Eviction)
	if !ok {
		return wrongKind(obj.GetObjectKind().GroupVersionKind(), gvk)
	}
	if eviction.Name != "" && eviction.Name != q.info.Name {
		return apierrors.NewBadRequest("name in URL does not match name in Eviction object")
	}
	options := eviction.DeleteOptions
	if options == nil {
		options = &metav1.DeleteOptions{}
	}
	by := q.writer("", append(q.r.URL.Query()["dryRun"], options.DryRun...))
	by.subresource = "eviction"
	if err := s.markDisrupted(q.ctx(), q.target(), by); err != nil {
		return err
	}
	if _, _, err := s.deleteObject(q.ctx(), q.target(), options, by); err != nil {
		return err
	}
	return q.respondStatus(http.StatusCreated, &metav1.Status{Status: metav1.StatusSuccess, Code: http.StatusCreated})
}

// markDisrupted lets the pod's owner see afterwards that it was evicted rather than failed (KEP-3329).
func (s *Server) markDisrupted(ctx context.Context, t target, by writer) error {
	if by.dryRun {
		return nil
	}
	_, _, err := s.updateRaw(ctx, t, "Evict", by, func(obj runtime.Object) error {
		setCondition(obj.(*corev1.Pod), corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now(),
			Reason: "EvictionByEvictionAPI", Message: "Eviction API: evicting",
		})
		return nil
	})
	return err
}
