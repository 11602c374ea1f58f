package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"

	"drydock/engine/api"
)

// patchTypes are the four ways to say what should change, in the order upstream lists them.
var patchTypes = []types.PatchType{types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType, types.ApplyYAMLPatchType}

// mostOperations bounds a JSON patch: copying a list onto itself doubles it each time.
const mostOperations = 10000

// patch is one PATCH request: bytes that say how to change an object.
type patch struct {
	kind       patchKind
	how        types.PatchType
	body       []byte
	validation string // fieldValidation
	warn       func(...string)
}

// patchKind is what an object must be to be patched: a kind of the table, or a Scale.
type patchKind struct {
	gvk   schema.GroupVersionKind
	empty func() runtime.Object
	fill  func(runtime.Object) // defaults
}

func patchKindOf(kind *api.Resource) patchKind {
	return patchKind{gvk: kind.GVK(), empty: kind.New, fill: kind.Default}
}

func (s *Server) patch(q *call) error {
	p, options, err := q.patch(patchKindOf(q.kind))
	if err != nil {
		return err
	}
	if p.how == types.ApplyYAMLPatchType {
		return s.apply(q, p, options)
	}
	by := q.writer(options.FieldManager, options.DryRun)
	return s.respondUpdate(q, update{by: by, action: "Patch", compute: func(live runtime.Object) (runtime.Object, error) {
		obj, err := p.on(live)
		if err != nil {
			return nil, err
		}
		if obj, err = s.ownUpdate(q.kind, live, obj, by); err != nil {
			return nil, err
		}
		return obj, s.checkPatched(q.ctx(), q, obj)
	}})
}

// patch reads and checks a PATCH request.
func (q *call) patch(kind patchKind) (*patch, *metav1.PatchOptions, error) {
	media, _, _ := strings.Cut(q.r.Header.Get("Content-Type"), ";")
	how := types.PatchType(strings.TrimSpace(media))
	known := make([]string, 0, len(patchTypes))
	ok := false
	for _, t := range patchTypes {
		known = append(known, string(t))
		ok = ok || t == how
	}
	if !ok {
		return nil, nil, unsupportedMediaType(known)
	}
	if q.info.Name == "" {
		return nil, nil, methodNotAllowed()
	}
	options := &metav1.PatchOptions{}
	check := func() field.ErrorList { return metavalidation.ValidatePatchOptions(options, how) }
	if err := q.query(options, check, "PatchOptions"); err != nil {
		return nil, nil, err
	}
	body, err := q.body()
	if err != nil {
		return nil, nil, err
	}
	return &patch{kind: kind, how: how, body: body, validation: options.FieldValidation, warn: q.warn}, options, nil
}

// checkPatched refuses a patch that made an object another one.
func (s *Server) checkPatched(_ context.Context, q *call, obj runtime.Object) error {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return internalError(err)
	}
	if err := matchNamespace(q.kind, q.info.Namespace, accessor); err != nil {
		return err
	}
	return q.checkName(obj)
}

// on returns the object that the patch makes of live, with defaults filled in.
func (p *patch) on(live runtime.Object) (runtime.Object, error) {
	var obj runtime.Object
	var err error
	if p.how == types.StrategicMergePatchType {
		obj, err = p.strategic(live)
	} else {
		obj, err = p.plain(live)
	}
	if err != nil {
		return nil, err
	}
	obj.GetObjectKind().SetGroupVersionKind(p.kind.gvk)
	p.kind.fill(obj)
	return obj, nil
}

// plain applies a JSON patch (RFC 6902) or a merge patch (RFC 7386), which know nothing of Kubernetes.
func (p *patch) plain(live runtime.Object) (runtime.Object, error) {
	before, err := json.Marshal(live)
	if err != nil {
		return nil, internalError(err)
	}
	after, strict, err := p.patchJSON(before)
	if err != nil {
		return nil, err
	}
	obj := p.kind.empty()
	unknown, err := kjson.UnmarshalStrict(after, obj)
	if err != nil {
		return nil, p.invalid(string(after), err)
	}
	return obj, p.complain(string(after), append(strict, unknown...))
}

func (p *patch) patchJSON(before []byte) (after []byte, strict []error, err error) {
	if p.how == types.MergePatchType {
		return p.mergeJSON(before)
	}
	var operations []struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		From  string `json:"from"`
		Value any    `json:"value"`
	}
	strict, err = kjson.UnmarshalStrict(p.body, &operations)
	if err != nil {
		return nil, nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	for i, e := range strict {
		strict[i] = fmt.Errorf("json patch %w", e)
	}
	decoded, err := jsonpatch.DecodePatch(p.body)
	if err != nil {
		return nil, nil, apierrors.NewBadRequest(err.Error())
	}
	if len(decoded) > mostOperations {
		return nil, nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf(
			"The allowed maximum operations in a JSON patch is %d, got %d", mostOperations, len(decoded)))
	}
	if after, err = decoded.Apply(before); err != nil {
		return nil, nil, unprocessable(err)
	}
	return after, strict, nil
}

func (p *patch) mergeJSON(before []byte) (after []byte, strict []error, err error) {
	strict, err = kjson.UnmarshalStrict(p.body, &map[string]any{})
	if err != nil {
		return nil, nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	after, err = jsonpatch.MergePatch(before, p.body)
	if errors.Is(err, jsonpatch.ErrBadJSONPatch) {
		return nil, nil, apierrors.NewBadRequest(err.Error())
	}
	return after, strict, err
}

func unprocessable(err error) error {
	return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
}

// strategic applies a patch that knows from the Go types how lists are merged: containers by name, ports by number.
func (p *patch) strategic(live runtime.Object) (runtime.Object, error) {
	before, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live)
	if err != nil {
		return nil, internalError(err)
	}
	wanted := map[string]any{}
	strict, err := kjson.UnmarshalStrict(p.body, &wanted)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	after, err := strategicpatch.StrategicMergeMapPatch(before, wanted, p.kind.empty())
	if err != nil {
		return nil, strategicError(err)
	}
	obj := p.kind.empty()
	shown := fmt.Sprintf("%+v", wanted)
	err = runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(after, obj, p.validation != metav1.FieldValidationIgnore)
	if unknown, ok := runtime.AsStrictDecodingError(err); ok {
		strict = append(strict, unknown.Errors()...)
	} else if err != nil {
		return nil, p.invalid(shown, err)
	}
	return obj, p.complain(shown, strict)
}

func strategicError(err error) error {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case slices.ContainsFunc([]error{
		mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat,
	}, is):
		return apierrors.NewBadRequest(err.Error())
	case is(mergepatch.ErrNoListOfLists), is(mergepatch.ErrPatchContentNotMatchRetainKeys):
		return unprocessable(err)
	}
	return err
}

// complain does with unknown and doubled fields what fieldValidation says.
func (p *patch) complain(shown string, strict []error) error {
	if len(strict) == 0 || p.validation == metav1.FieldValidationIgnore {
		return nil
	}
	if p.validation == metav1.FieldValidationStrict {
		return p.invalid(shown, runtime.NewStrictDecodingError(strict))
	}
	for _, e := range strict {
		p.warn(e.Error())
	}
	return nil
}

func (p *patch) invalid(shown string, err error) error {
	return apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{field.Invalid(field.NewPath("patch"), shown, err.Error())})
}
