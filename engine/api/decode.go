package api

import (
	"bytes"
	"encoding/hex"
	stderrors "errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// Serializers lists the ways to write an object: application/json, application/yaml, application/vnd.kubernetes.protobuf.
func Serializers() []runtime.SerializerInfo {
	return Codecs.SupportedMediaTypes()
}

// Decode reads one object from a request body. contentType may carry parameters; "" is JSON. expected is the kind that the
// path takes: it is assumed when the body names none, and another one is refused. validation is metav1.FieldValidationStrict,
// Warn or Ignore ("" is Warn): unknown and doubled fields are an error, warnings for the client, or nothing. The object is of its
// external type, without defaults filled in. Errors are status errors, BadRequest or UnsupportedMediaType, in upstream's words.
func Decode(body []byte, contentType string, expected schema.GroupVersionKind, validation string) (obj runtime.Object, warnings []string, err error) {
	decoder, err := decoderFor(contentType, validation)
	if err != nil {
		return nil, nil, err
	}
	obj, gvk, err := decoder.Decode(body, &expected, nil)
	if strict, ok := runtime.AsStrictDecodingError(err); ok && obj != nil && validation != metav1.FieldValidationStrict {
		err = nil
		if validation != metav1.FieldValidationIgnore {
			warnings = texts(strict.Errors())
		}
	}
	if err == nil {
		err = checkKind(*gvk, expected, obj)
	}
	if err != nil {
		return nil, nil, decodeError(err, gvk, expected.Kind, body)
	}
	obj.GetObjectKind().SetGroupVersionKind(*gvk)
	return obj, warnings, nil
}

// decoderFor finds the serializer of a media type.
func decoderFor(contentType, validation string) (runtime.Decoder, error) {
	media := runtime.ContentTypeJSON
	if contentType != "" {
		var err error
		if media, _, err = mime.ParseMediaType(contentType); err != nil {
			return nil, unsupported()
		}
	}
	info, ok := runtime.SerializerInfoForMediaType(legacyscheme.Codecs.SupportedMediaTypes(), media)
	if !ok {
		return nil, unsupported()
	}
	if validation != metav1.FieldValidationIgnore && info.StrictSerializer != nil {
		return info.StrictSerializer, nil
	}
	return info.Serializer, nil
}

func unsupported() error {
	var known []string
	for _, info := range Serializers() {
		known = append(known, info.MediaType)
	}
	return &errors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "the body of the request was in an unknown format - accepted media types include: " + strings.Join(known, ", "),
	}}
}

// checkKind refuses what a path does not take. DeleteOptions come in every group's version.
func checkKind(got, expected schema.GroupVersionKind, obj runtime.Object) error {
	if got.Kind != expected.Kind {
		target, err := internal.New(internalOf(expected.GroupVersion()).WithKind(expected.Kind))
		if err != nil {
			return fmt.Errorf("converting (%s) to (%s): unknown conversion", typeName(obj), expected.Kind)
		}
		return fmt.Errorf("converting (%s) to (%s): unknown conversion", typeName(obj), typeName(target))
	}
	if got.GroupVersion() != expected.GroupVersion() && got.Kind != "DeleteOptions" {
		return errors.NewBadRequest(fmt.Sprintf("the API version in the data (%s) does not match the expected API version (%s)",
			got.GroupVersion(), expected.GroupVersion()))
	}
	return nil
}

func typeName(obj runtime.Object) string { return reflect.TypeOf(obj).Elem().String() }

// upstreamScheme is how kube-apiserver's own build names its scheme in an error: by the line that makes it. A build from
// modules cannot tell that line.
const upstreamScheme = "pkg/api/legacyscheme/scheme.go:30"

// decodeError says what could not be read as what, as upstream does.
func decodeError(err error, gvk *schema.GroupVersionKind, kind string, body []byte) error {
	if status := (&errors.StatusError{}); stderrors.As(err, &status) {
		return status
	}
	cause := strings.ReplaceAll(err.Error(), internal.Name(), upstreamScheme)
	if gvk != nil && gvk.Kind != "" {
		return errors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %s", gvk.Kind, gvk.Version, kind, cause))
	}
	return errors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): %s (%s)", kind, cause, summary(body)))
}

// summary shows the start of a body: JSON as it is, anything else in hex.
func summary(body []byte) string {
	const most = 30
	if len(body) == 0 {
		return "<empty>"
	}
	head, dots := body, ""
	if len(body) > most {
		head, dots = body[:most], " ..."
	}
	if body[0] == '{' {
		return string(head) + dots
	}
	return hex.EncodeToString(head) + dots
}

func texts(errs []error) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

// Encode writes an external object with the apiVersion and kind of gvk, in one of Serializers. obj is only read.
func Encode(obj runtime.Object, gvk schema.GroupVersionKind, info runtime.SerializerInfo) ([]byte, error) {
	if obj.GetObjectKind().GroupVersionKind() != gvk {
		obj = withKind(obj, gvk)
	}
	var out bytes.Buffer
	if err := info.Serializer.Encode(obj, &out); err != nil {
		return nil, fmt.Errorf("encode %s as %s: %w", gvk.Kind, info.MediaType, err)
	}
	return out.Bytes(), nil
}

// withKind copies the outermost struct only, because others may be reading it.
func withKind(obj runtime.Object, gvk schema.GroupVersionKind) runtime.Object {
	shallow := reflect.New(reflect.TypeOf(obj).Elem())
	shallow.Elem().Set(reflect.ValueOf(obj).Elem())
	out := shallow.Interface().(runtime.Object)
	out.GetObjectKind().SetGroupVersionKind(gvk)
	return out
}
