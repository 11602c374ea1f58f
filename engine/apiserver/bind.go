package apiserver

import (
	"context"
	"fmt"
	"maps"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// bind is how the scheduler gives a pod its node: POST of a Binding to pods/binding.
func (s *Server) bind(q *call) error {
	binding, options, err := q.decodeBinding()
	if err != nil {
		return err
	}
	if binding.Name != "" && binding.Name != q.info.Name {
		return apierrors.NewBadRequest("name in URL does not match name in Binding object")
	}
	return s.respondBinding(q, target{podKind, q.info.Namespace, q.info.Name}, binding, options)
}

// bindByBody is the older path, /bindings, where only the body names the pod.
func (s *Server) bindByBody(q *call) error {
	if q.r.Method != http.MethodPost || q.info.Namespace == "" {
		return methodNotAllowed()
	}
	return q.negotiated(func(q *call) error {
		binding, options, err := q.decodeBinding()
		if err != nil {
			return err
		}
		return s.respondBinding(q, target{podKind, q.info.Namespace, binding.Name}, binding, options)
	})
}

func (q *call) decodeBinding() (*corev1.Binding, *metav1.CreateOptions, error) {
	options := &metav1.CreateOptions{}
	check := func() field.ErrorList { return metavalidation.ValidateCreateOptions(options) }
	if err := q.query(options, check, "CreateOptions"); err != nil {
		return nil, nil, err
	}
	gvk := corev1.SchemeGroupVersion.WithKind("Binding")
	obj, err := q.decodeBody(gvk, options.FieldValidation)
	if err != nil {
		return nil, nil, err
	}
	binding, ok := obj.(*corev1.Binding)
	if !ok {
		return nil, nil, wrongKind(obj.GetObjectKind().GroupVersionKind(), gvk)
	}
	return binding, options, checkBinding(binding)
}

func checkBinding(binding *corev1.Binding) error {
	var errs field.ErrorList
	path := field.NewPath("target")
	if kind := binding.Target.Kind; kind != "" && kind != "Node" {
		errs = append(errs, field.NotSupported(path.Child("kind"), kind, []string{"Node", "<empty>"}))
	}
	if binding.Target.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), ""))
	}
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("Binding").GroupKind(), binding.Name, errs)
}

func (s *Server) respondBinding(q *call, t target, binding *corev1.Binding, options *metav1.CreateOptions) error {
	by := q.writer(options.FieldManager, options.DryRun)
	by.subresource = "binding"
	if err := s.bindPod(q.ctx(), t, binding, by); err != nil {
		return err
	}
	return q.respondStatus(http.StatusCreated, &metav1.Status{Status: metav1.StatusSuccess, Code: http.StatusCreated})
}

// bindPod writes the node's name into the pod, once: a pod never moves.
func (s *Server) bindPod(ctx context.Context, t target, binding *corev1.Binding, by writer) error {
	_, _, err := s.updateRaw(ctx, t, "Bind", by, func(obj runtime.Object) error {
		pod := obj.(*corev1.Pod)
		switch {
		case binding.UID != "" && binding.UID != pod.UID:
			return fmt.Errorf("Precondition failed: UID in precondition: %v, UID in object meta: %v", binding.UID, pod.UID) //nolint:staticcheck // upstream's text
		case pod.DeletionTimestamp != nil:
			return fmt.Errorf("pod %s is being deleted, cannot be assigned to a host", pod.Name)
		case pod.Spec.NodeName != "":
			return fmt.Errorf("pod %v is already assigned to node %q", pod.Name, pod.Spec.NodeName)
		case len(pod.Spec.SchedulingGates) > 0:
			return fmt.Errorf("pod %v has non-empty .spec.schedulingGates", pod.Name)
		}
		pod.Spec.NodeName = binding.Target.Name
		if len(binding.Annotations) > 0 && pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		maps.Copy(pod.Annotations, binding.Annotations)
		setCondition(pod, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()})
		return nil
	})
	if err == nil || apierrors.IsNotFound(err) {
		return err
	}
	return apierrors.NewConflict(corev1.Resource("pods/binding"), t.name, err)
}

// setCondition puts a condition into a pod's status; its time only moves when its status does.
func setCondition(pod *corev1.Pod, condition corev1.PodCondition) {
	for i, c := range pod.Status.Conditions {
		if c.Type != condition.Type {
			continue
		}
		if c.Status == condition.Status {
			condition.LastTransitionTime = c.LastTransitionTime
		}
		pod.Status.Conditions[i] = condition
		return
	}
	pod.Status.Conditions = append(pod.Status.Conditions, condition)
}

// updateRaw changes a stored object without its kind's strategy, for writes that are the server's own. It tries again while
// others write.
func (s *Server) updateRaw(ctx context.Context, t target, action string, by writer, mutate func(runtime.Object) error) (*entry, *entry, error) {
	for {
		old, err := s.stored(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		obj := old.obj.DeepCopyObject()
		if err := mutate(obj); err != nil {
			return nil, nil, err
		}
		if by.dryRun {
			e, err := unstored(t, obj, old)
			return e, old, err
		}
		e, err := s.overwrite(ctx, t, old, obj)
		if apierrors.IsConflict(err) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if e != old {
			s.record(by, t, change{action: action, before: old, after: e})
		}
		return e, old, nil
	}
}
