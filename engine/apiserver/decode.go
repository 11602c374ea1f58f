package apiserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	internalscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"drydock/engine/api"
)

// largestBody is the most a client may send; it is also about what etcd would take.
const largestBody = 3 << 20

func (q *call) body() ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, largestBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", largestBody))
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("read the request body: %v", err))
	}
	return body, nil
}

// decodeBody reads an object of one kind from the body: unknown fields are refused, warned of or ignored as fieldValidation says.
func (q *call) decodeBody(gvk schema.GroupVersionKind, validation string) (runtime.Object, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	if _, err := inputMedia(q.r); err != nil {
		return nil, err
	}
	obj, warnings, err := api.Decode(body, q.r.Header.Get("Content-Type"), gvk, validation)
	if err != nil {
		return nil, err
	}
	q.warn(warnings...)
	if got := obj.GetObjectKind().GroupVersionKind(); got != gvk {
		return nil, wrongKind(got, gvk)
	}
	return obj, nil
}

func wrongKind(got, want schema.GroupVersionKind) error {
	if got.GroupVersion() != want.GroupVersion() {
		return apierrors.NewBadRequest(fmt.Sprintf("the API version in the data (%s) does not match the expected API version (%s)",
			got.GroupVersion(), want.GroupVersion()))
	}
	return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: converting (%s) to (%s): unknown conversion",
		got.Kind, got.Version, want.Kind, got, want))
}

// decodeObject reads an object of the request's kind and fills in its defaults.
func (q *call) decodeObject(validation string) (runtime.Object, error) {
	obj, err := q.decodeBody(q.kind.GVK(), validation)
	if err != nil {
		return nil, err
	}
	q.kind.Default(obj)
	return obj, nil
}

// query reads CreateOptions, UpdateOptions and their like from the query, and checks them.
func (q *call) query(into runtime.Object, check func() field.ErrorList, kind string) error {
	err := internalscheme.ParameterCodec.DecodeParameters(q.r.URL.Query(), metav1.SchemeGroupVersion, into)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if errs := check(); len(errs) > 0 {
		return apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: kind}, "", errs)
	}
	return nil
}

// checkName refuses a body that is about another object than the path.
func (q *call) checkName(obj runtime.Object) error {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return internalError(err)
	}
	switch {
	case accessor.GetName() == "":
		return apierrors.NewBadRequest(fmt.Sprintf(
			"the name of the object (%s based on URL) was undeterminable: name must be provided", q.info.Name))
	case accessor.GetName() != q.info.Name:
		return apierrors.NewBadRequest(fmt.Sprintf(
			"the name of the object (%s) does not match the name on the URL (%s)", accessor.GetName(), q.info.Name))
	case q.kind.Namespaced && accessor.GetNamespace() != "" && accessor.GetNamespace() != q.info.Namespace:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return nil
}

func isDryRun(dryRun []string) bool { return len(dryRun) > 0 }
